package io.varve.api.control;

import io.varve.engine.StoreException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Keeps what volumes have saved for bursts across restarts: written down once a minute and at the end. A process that
 * dies gives its volumes back what they spent in the last minute; nobody waits for storage because of it. One thread at
 * a time.
 */
final class BurstCredits {
    private static final Duration PERIOD = Duration.ofMinutes(1);

    private final ControlParts parts;
    private final Entries<BurstCredit> saved;
    private Instant savedAt;

    /** Gives the volumes what was saved; before any of them is opened. */
    BurstCredits(ControlParts parts, Entries<BurstCredit> saved) {
        this.parts = parts;
        this.saved = saved;
        savedAt = parts.clock().instant();
        saved.all().forEach(this::restore);
    }

    private void restore(BurstCredit credit) {
        Optional<VolumeEntry> volume = parts.volumes().find(credit.id());
        if (volume.isEmpty()) {
            saved.remove(credit.id());
        } else if (volume.get().limits().volumeType().equals(credit.volumeType())) {
            parts.limits(volume.get())
                    .burst()
                    .ifPresent(burst -> parts.store().restoreCredits(credit.id(), credit.at(savedAt, burst)));
        }
    }

    /** Writes down what there is if a minute has passed. Blocks. */
    void tick() {
        Duration passed = Duration.between(savedAt, parts.clock().instant());
        if (passed.compareTo(PERIOD) >= 0 || passed.isNegative()) {
            save();
        }
    }

    /** Writes down what there is. Blocks. */
    void save() {
        savedAt = parts.clock().instant();
        List<BurstCredit> now = new ArrayList<>();
        for (VolumeEntry volume : parts.volumes().all()) {
            try {
                parts.store()
                        .burstBalance(volume.id())
                        .ifPresent(balance -> now.add(new BurstCredit(
                                volume.id(), volume.limits().volumeType(), balance.credits(), savedAt)));
            } catch (StoreException e) {
                Volumes.gone(e);
            }
        }
        if (!now.isEmpty()) {
            saved.settle(now);
        }
    }
}
