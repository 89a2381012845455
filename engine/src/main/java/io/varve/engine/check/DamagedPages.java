package io.varve.engine.check;

import io.varve.engine.io.DiskException;
import io.varve.engine.map.DamagedPageException;
import io.varve.engine.reclaim.PageRef;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Map pages that cannot be read, and whom that touches: everybody whose tree has the page, shared or not. */
final class DamagedPages {
    private final TreePages look;
    private final Map<PageRef, String> damage = new LinkedHashMap<>();

    DamagedPages(TreePages look) {
        this.look = look;
    }

    void add(PageRef page, String what) {
        damage.putIfAbsent(page, what);
    }

    /** Finds out whom each of them touches, by looking it up in every tree. */
    void tell(List<Chain> chains, Findings findings) {
        damage.forEach((page, what) -> {
            List<String> touched = new ArrayList<>();
            for (Chain chain : chains) {
                for (KeptTree tree : chain.trees()) {
                    if (has(tree, page)) {
                        touched.add(tree.name());
                    }
                }
            }
            findings.damage("map", what, touched);
        });
    }

    private boolean has(KeptTree tree, PageRef page) {
        try {
            return tree.heldFrom() < page.endBlock()
                    && look.at(tree.root(), page.level(), page.firstBlock()).pointer() == page.pointer();
        } catch (DamagedPageException | DiskException e) {
            return false; // the page above is damaged, and told apart
        }
    }
}
