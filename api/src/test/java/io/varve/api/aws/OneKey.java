package io.varve.api.aws;

import io.varve.api.access.AccessKey;
import io.varve.api.access.AccessKeys;
import io.varve.api.access.Caller;
import io.varve.api.access.Role;
import java.util.Optional;

/** Access keys of which there are none, or the one of AWS's examples. */
final class OneKey implements AccessKeys {
    static final String ID = "AKIDEXAMPLE";
    static final String SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    private volatile Optional<Role> role = Optional.empty();

    /** From now on the key is there. */
    void shut(Role its) {
        role = Optional.of(its);
    }

    /** From now on there is none. */
    void reopen() {
        role = Optional.empty();
    }

    @Override
    public boolean open() {
        return role.isEmpty();
    }

    @Override
    public Optional<AccessKey> find(String id) {
        return role.filter(known -> id.equals(ID)).map(its -> new AccessKey(new Caller(ID, its), SECRET));
    }
}
