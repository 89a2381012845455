package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.IoStatus;
import io.varve.engine.StoreOptions;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** Who writes faster than compaction can keep up with is slowed down to its pace, and not stopped for whole runs of it. */
class WriteRoomTest {
    private static final int MIB = 1 << 20;
    private static final int REQUEST_BYTES = 16 << 10;
    private static final int LIVE_REQUESTS = 4096;
    private static final int DEPTH = 4;
    /** What one step of compaction copies. */
    private static final long STEP_BLOCKS = 256;

    private final AtomicLong appended = new AtomicLong(1000);
    private final SpacePressure pressure = new SpacePressure(appended::get);
    private int woken;

    @Test
    void roomIsGivenAsARunGoesAhead() {
        WriteRoom room = new WriteRoom(pressure, 100, 10);
        assertThat(pressure.isHigh()).isFalse();
        room.apply();
        assertThat(room()).isEqualTo(20);
        room.copied(5);
        room.apply();
        assertThat(room()).isEqualTo(40);
        room.copied(50);
        room.apply();
        assertThat(room()).isEqualTo(60);
        room.finishing();
        room.apply();
        assertThat(room()).isEqualTo(80);
        room.copied(1);
        room.apply();
        assertThat(room()).as("it never becomes less").isEqualTo(80);
        room.finished();
        room.apply();
        assertThat(room()).isEqualTo(100);
        pressure.allowAll();
        appended.set(Long.MAX_VALUE);
        assertThat(pressure.isHigh()).isFalse();
    }

    /** Bytes that may still be appended. */
    private long room() {
        for (long more = 0; ; more++) {
            appended.set(1000 + more);
            if (pressure.isHigh()) {
                return more;
            }
        }
    }

    @Test
    void whoWaitsIsCalledWhenThereIsMoreRoom() {
        pressure.allowNothing();
        assertThat(pressure.isHigh()).isTrue();
        pressure.whenLower(this::wakeAgain);
        assertThat(woken).isZero();

        pressure.allowUntil(900);
        assertThat(woken).as("called to look, and waits again").isEqualTo(1);
        pressure.allowUntil(1001);
        assertThat(woken).isEqualTo(2);
        pressure.allowAll();
        assertThat(woken).isEqualTo(2);
    }

    private void wakeAgain() {
        woken++;
        if (pressure.isHigh()) {
            pressure.whenLower(this::wakeAgain);
        }
    }

    @Test
    void writesGoOnBetweenTheStepsOfARun() {
        StoreOptions options = new StoreOptions(16L * MIB, 16L * MIB, 16L * MIB, 64L * MIB, 8 * MIB).withBallast(0);
        SimulatedStore simulated = new SimulatedStore(1L << 30, options);
        VolumeId id = new VolumeId(1, 1);
        simulated.await(simulated.store().createVolume(id, 1L << 30));
        Volume volume = simulated.await(simulated.store().open(id));
        Overwriter writer = new Overwriter(simulated, volume, 6 * LIVE_REQUESTS);
        volume.loop().execute(writer::turn);

        assertThat(simulated.await(writer.done)).isEqualTo(IoStatus.OK);

        long copied = simulated.store().compaction().blocksCopied.sum();
        assertThat(copied).isGreaterThan(20 * STEP_BLOCKS);
        assertThat(writer.copiedInWaits).as("it is faster than compaction").isNotEmpty();
        long endedByOneStep = writer.copiedInWaits.stream()
                .filter(blocks -> blocks <= STEP_BLOCKS)
                .count();
        assertThat(endedByOneStep)
                .as("waits that one step ended, of %s; in a few the woken had not its turn yet", writer.copiedInWaits)
                .isGreaterThan(writer.copiedInWaits.size() * 9L / 10);
        simulated.store().close();
    }

    /** Writes as fast as the volume lets it. */
    private static final class Overwriter {
        final CompletableFuture<IoStatus> done = new CompletableFuture<>();
        /** How many blocks compaction has copied each time while this one waited. */
        final List<Long> copiedInWaits = new ArrayList<>();

        private final SimulatedStore simulated;
        private final Volume volume;
        private final SplittableRandom random = new SplittableRandom(3);
        private int left;
        private int underWay;
        private long copiedBefore;

        Overwriter(SimulatedStore simulated, Volume volume, int requests) {
            this.simulated = simulated;
            this.volume = volume;
            this.left = requests;
        }

        private long copied() {
            return simulated.store().compaction().blocksCopied.sum();
        }

        void turn() {
            while (underWay < DEPTH && left > 0 && !volume.congested()) {
                left--;
                underWay++;
                long at = (long) random.nextInt(LIVE_REQUESTS) * REQUEST_BYTES;
                volume.write(at, SimulatedStore.filled(REQUEST_BYTES, left), false, this::written);
            }
            volume.submit();
            if (left == 0 && underWay == 0) {
                done.complete(IoStatus.OK);
            } else if (left > 0 && volume.congested()) {
                copiedBefore = copied();
                volume.whenWritable(() -> volume.loop().execute(() -> {
                    copiedInWaits.add(copied() - copiedBefore);
                    turn();
                }));
            }
        }

        private void written(IoStatus status) {
            underWay--;
            if (status != IoStatus.OK) {
                done.completeExceptionally(new AssertionError("a write ended with " + status));
            } else if (underWay == 0) {
                volume.loop().execute(() -> {
                    if (!volume.congested() || left == 0) {
                        turn();
                    }
                });
            }
        }
    }
}
