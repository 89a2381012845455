package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.IoStatus;
import io.varve.engine.Volume;
import io.varve.engine.io.SimulatedDisk;
import io.varve.engine.meta.SuperblockCopies;
import io.varve.engine.store.Requests.Content;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;

/** Damage of the medium: flipped bits, lost and misdirected writes. */
final class MediumDamage {
    private static final int PAGE = 4096;
    /** A page lies in two blocks at most. */
    private static final int BLOCKS_IN_A_PAGE = 2;
    /** Frames of 16 blocks that a page of a framed segment holds, one of them in part. */
    private static final int BLOCKS_IN_A_FRAMED_PAGE = 9 * 16;

    private static final int SEGMENT_FLAGS = 28;

    private final SimulatedWorld world;
    private final SimulatedDisk disk;
    private final SplittableRandom random;

    MediumDamage(SimulatedWorld world) {
        this.world = world;
        this.disk = world.disk;
        this.random = world.random;
    }

    /** Destroys the newest superblock if there is an older one: the store must open with that one, a commit back. */
    boolean loseNewestSuperblock() {
        long newest;
        try (SuperblockCopies copies = SuperblockCopies.read(disk, StoreOpening.TABLES)) {
            if (copies.older().isEmpty()) {
                return false;
            }
            newest = copies.newest().orElseThrow().generation();
        }
        String name = newest % 2 == 0 ? "superblock-a" : "superblock-b";
        disk.flipBit(name, random.nextInt(100), random.nextInt(8));
        disk.dropCleanPages();
        world.note("generation %d of the superblock is lost", newest);
        return true;
    }

    /** Damages a page of a segment or container while the store is closed: it is told, contained, and can be healed. */
    void inflict(Inspection inspection) {
        world.where = "damaged medium";
        world.store.close();
        List<String> files = disk.deviceFiles().keySet().stream()
                .filter(name -> name.startsWith("segments/"))
                .toList();
        if (files.isEmpty()) {
            return;
        }
        String file = pick(files);
        boolean container = disk.deviceBytes(file, 4, 1)[0] == 'V' && disk.deviceBytes(file, 5, 1)[0] == 'C';
        boolean framed = disk.deviceBytes(file, SEGMENT_FLAGS, 1)[0] != 0;
        damage(file, pick(files));
        world.damaged = true;
        world.restart(true);
        world.tolerant = true;
        Set<Integer> unreadable = new TreeSet<>();
        for (ModelSnapshot shot : world.snapshots) {
            int[] due = shot.content;
            if (due != null) {
                compare(shot.id.toString(), inspection.read(shot), due, unreadable);
            }
        }
        for (ModelVolume volume : world.volumes) {
            Content found = inspection.read(volume);
            compare(volume.id.toString(), found, volume.history.base(), unreadable);
            heal(volume, found);
        }
        if (!container) {
            assertThat(unreadable)
                    .as("blocks that the page of %s has made unreadable", file)
                    .hasSizeLessThanOrEqualTo(framed ? BLOCKS_IN_A_FRAMED_PAGE : BLOCKS_IN_A_PAGE);
        }
    }

    private String pick(List<String> files) {
        return files.get(random.nextInt(files.size()));
    }

    private void damage(String file, String other) {
        long pages = disk.allocatedBytes(file) / PAGE;
        long page = random.nextLong(pages) * PAGE;
        int kind = random.nextInt(3);
        world.note("%s of %s at %d", kind == 0 ? "flip" : kind == 1 ? "misdirected write" : "loss", file, page);
        if (kind == 0) {
            disk.flipBit(file, page + random.nextInt(PAGE), random.nextInt(8));
        } else if (kind == 1) {
            long from = random.nextLong(disk.allocatedBytes(other) / PAGE) * PAGE;
            disk.setDeviceBytes(file, page, disk.deviceBytes(other, from, PAGE));
        } else {
            disk.setDeviceBytes(file, page, new byte[PAGE]);
        }
        disk.dropCleanPages();
    }

    private static void compare(String what, Content found, int[] due, Set<Integer> unreadable) {
        for (int sector = 0; sector < due.length; sector++) {
            if (found.unreadable[sector]) {
                unreadable.add(sector / Regions.SECTORS_PER_BLOCK);
            } else {
                assertThat(found.stamps[sector])
                        .as("sector %d of %s", sector, what)
                        .isEqualTo(due[sector]);
            }
        }
    }

    private void heal(ModelVolume volume, Content found) {
        Requests requests = new Requests(world);
        Volume open = world.await(world.store.open(volume.id));
        for (int first = 0; first < found.stamps.length; first += Regions.SECTORS_PER_BLOCK) {
            if (found.unreadable[first]) {
                int stamp = world.newStamp();
                assertThat(requests.write(open, first, 1, stamp))
                        .as("a partial write")
                        .isEqualTo(IoStatus.EIO);
                assertThat(requests.write(open, first, Regions.SECTORS_PER_BLOCK, stamp))
                        .as("a whole write")
                        .isEqualTo(IoStatus.OK);
            }
        }
        assertThat(world.await(requests.readAll(open)).isWhole()).as("healed").isTrue();
        open.release();
    }
}
