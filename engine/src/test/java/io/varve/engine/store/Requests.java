package io.varve.engine.store;

import io.varve.engine.Completion;
import io.varve.engine.Extents;
import io.varve.engine.IoStatus;
import io.varve.engine.Volume;
import io.varve.engine.VolumeStatus;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;

/** Random block requests, and what their answers must be. */
final class Requests {
    private static final int MAX_IN_FLIGHT = 16;
    private static final int BLOCK = Regions.SECTORS_PER_BLOCK;
    /** A longer write may be cut by a crash into pieces of so many blocks; the last one takes up to one more. */
    private static final int PIECE_BLOCKS = 256;

    private final SimulatedWorld world;
    private final SplittableRandom random;
    private final Regions regions;

    /** What was read of a whole volume, and which sectors could not be. */
    static final class Content {
        final int[] stamps;
        final boolean[] unreadable;

        Content(int sectors) {
            stamps = new int[sectors];
            unreadable = new boolean[sectors];
        }

        boolean isWhole() {
            for (boolean blind : unreadable) {
                if (blind) {
                    return false;
                }
            }
            return true;
        }
    }

    Requests(SimulatedWorld world) {
        this.world = world;
        this.random = world.random;
        this.regions = world.plan.regions();
    }

    /** Makes a few requests at once. */
    void make(ModelVolume volume, Volume open) {
        int count = Math.min(1 + random.nextInt(6), MAX_IN_FLIGHT - volume.inFlight);
        volume.inFlight++;
        world.inFlight++;
        open.loop().execute(() -> {
            for (int i = 0; i < count; i++) {
                request(volume, open);
            }
            open.submit();
            volume.inFlight--;
            world.inFlight--;
        });
    }

    private void request(ModelVolume volume, Volume open) {
        int run = random.nextInt(regions.runs());
        int unit = random.nextBoolean() ? 1 : BLOCK;
        int sectors = regions.sectors(run);
        int most = Math.min(random.nextInt(8) == 0 ? world.plan.maxUnits() : 4, sectors / unit);
        int length = unit * (1 + random.nextInt(most));
        int first = regions.firstSector(run) + unit * random.nextInt((sectors - length) / unit + 1);
        switch (random.nextInt(10)) {
            case 0 -> flush(volume, open);
            case 1 -> {
                if (random.nextInt(4) == 0) {
                    blockStatus(volume, open, first, length);
                } else {
                    read(volume, open, first, length);
                }
            }
            case 2 -> read(volume, open, first, length);
            default -> change(volume, open, first, length);
        }
    }

    private void change(ModelVolume volume, Volume open, int first, int length) {
        int kind = random.nextInt(8);
        boolean clears = kind <= 1;
        boolean trims = kind == 0;
        boolean fua = random.nextInt(6) == 0;
        int from = trims ? (first + BLOCK - 1) / BLOCK * BLOCK : first;
        int to = trims ? (first + length) / BLOCK * BLOCK : first + length;
        List<VolumeHistory.Change> pieces = pieces(from, Math.max(from, to), clears, fua);
        boolean beyond = first + length > regions.sectorsWithin(volume.askedSizeBytes);
        boolean within = first + length <= regions.sectorsWithin(volume.sizeBytes);
        if (!beyond) {
            pieces.forEach(volume.history::submit);
        }
        Completion done = status -> {
            volume.inFlight--;
            world.inFlight--;
            world.note("%s %s: %s", volume.id, status, pieces.get(0).stamp);
            if (within || status == IoStatus.OK) {
                require(!beyond, "a change behind the end is answered " + status);
                changed(volume, pieces, status);
            }
        };
        volume.inFlight++;
        world.inFlight++;
        long offset = regions.offsetOf(first);
        long bytes = (long) length * Regions.SECTOR_BYTES;
        world.note("%s %s %s", volume.id, trims ? "trim" : clears ? "zero" : "write", pieces);
        if (!clears) {
            ByteBuffer source = ByteBuffer.allocateDirect((int) bytes);
            pieces.forEach(piece -> Regions.put(source, piece.stamp, piece.first, piece.end - piece.first));
            open.write(offset, source.flip(), fua, done);
        } else if (trims) {
            open.trim(offset, bytes, fua, done);
        } else {
            open.writeZeroes(offset, bytes, random.nextBoolean(), fua, done);
        }
    }

    private List<VolumeHistory.Change> pieces(int first, int end, boolean clears, boolean fua) {
        List<VolumeHistory.Change> pieces = new ArrayList<>();
        VolumeHistory.Change before = null;
        int from = first;
        do {
            int firstBlock = from / BLOCK;
            int blocksLeft = (end + BLOCK - 1) / BLOCK - firstBlock;
            boolean last = clears || blocksLeft <= PIECE_BLOCKS + 1;
            int to = last ? end : (firstBlock + PIECE_BLOCKS) * BLOCK;
            before = new VolumeHistory.Change(clears ? 0 : world.newStamp(), from, to, fua, world.tick(), before);
            pieces.add(before);
            from = to;
        } while (from < end);
        return pieces;
    }

    private void changed(ModelVolume volume, List<VolumeHistory.Change> pieces, IoStatus status) {
        checkAnswer(volume, status);
        if (status == IoStatus.OK) {
            long now = world.tick();
            pieces.forEach(piece -> volume.history.acknowledge(piece, now));
        }
    }

    private void flush(ModelVolume volume, Volume open) {
        long asked = world.tick();
        volume.inFlight++;
        world.inFlight++;
        world.note("%s flush at %d", volume.id, asked);
        open.flush(status -> {
            volume.inFlight--;
            world.inFlight--;
            world.note("%s flushed %d: %s", volume.id, asked, status);
            require(status != IoStatus.ENOSPC, "a flush needs no space");
            checkAnswer(volume, status);
            if (status == IoStatus.OK) {
                volume.history.flushed(asked);
            }
        });
    }

    private void read(ModelVolume volume, Volume open, int first, int length) {
        long asked = world.tick();
        boolean within = first + length <= regions.sectorsWithin(volume.sizeBytes);
        volume.inFlight++;
        world.inFlight++;
        world.note("%s read at %d of sectors %d to %d", volume.id, asked, first, first + length);
        ByteBuffer into = ByteBuffer.allocateDirect(length * Regions.SECTOR_BYTES);
        open.read(regions.offsetOf(first), into, status -> {
            volume.inFlight--;
            world.inFlight--;
            if (status == IoStatus.OK) {
                checkRead(volume, first, Regions.stamps(into, first), asked);
            } else if (within) {
                require(mayFail(status), "a read is answered " + status);
            }
        });
    }

    /** What is told to be a hole or zero is as good as read as zeroes. */
    private void blockStatus(ModelVolume volume, Volume open, int first, int length) {
        long asked = world.tick();
        boolean within = first + length <= regions.sectorsWithin(volume.sizeBytes);
        volume.inFlight++;
        world.inFlight++;
        world.note("%s status at %d of sectors %d to %d", volume.id, asked, first, first + length);
        Extents extents = new Extents();
        long bytes = (long) length * Regions.SECTOR_BYTES;
        open.blockStatus(regions.offsetOf(first), bytes, 1 + random.nextInt(8), extents, status -> {
            volume.inFlight--;
            world.inFlight--;
            if (status == IoStatus.OK) {
                require(
                        extents.totalBytes() > 0 && extents.totalBytes() <= bytes,
                        "extents cover what was not asked for");
                checkHoles(volume, first, extents, asked);
            } else if (within) {
                require(mayFail(status), "a question is answered " + status);
            }
        });
    }

    private void checkHoles(ModelVolume volume, int first, Extents extents, long asked) {
        int at = first;
        for (int i = 0; i < extents.size(); i++) {
            int sectors = (int) (extents.lengthBytes(i) / Regions.SECTOR_BYTES);
            if (extents.value(i) != Extents.DATA) {
                checkRead(volume, at, new int[sectors], asked);
            }
            at += sectors;
        }
    }

    private void checkRead(ModelVolume volume, int first, int[] found, long asked) {
        world.note("%s read at %d from %d: %s", volume.id, asked, first, Arrays.toString(found));
        try {
            volume.history.checkRead(first, found, asked, world.tick());
        } catch (AssertionError e) {
            world.failed(e);
        }
    }

    /**
     * Law 5: once the log has failed, the volume says so, and nothing is promised any more. Law 6: full is an answer.
     */
    private void checkAnswer(ModelVolume volume, IoStatus status) {
        switch (status) {
            case OK -> require(!volume.failed, volume.id + " promises something after its failure");
            case ENOSPC -> require(world.isFull(), "no space on an empty disk");
            case ESHUTDOWN -> require(world.closing, "the volume is not going away");
            case EIO -> {
                require(world.tolerant, "a request failed for no reason");
                volume.failed |= world.store
                        .volume(volume.id)
                        .filter(record -> record.status().health() == VolumeStatus.Health.FAILED)
                        .isPresent();
            }
            default -> require(false, "a request is answered " + status);
        }
    }

    /** Of a read or a question that was well put. */
    private boolean mayFail(IoStatus status) {
        return status == IoStatus.EIO && world.tolerant || status == IoStatus.ESHUTDOWN && world.closing;
    }

    private void require(boolean holds, String what) {
        if (!holds) {
            world.failed(new AssertionError(what));
        }
    }

    /** Reads all regions of a volume, of those that fail block by block. */
    CompletableFuture<Content> readAll(Volume volume) {
        Content content = new Content(regions.sectors());
        CompletableFuture<Content> all = new CompletableFuture<>();
        int sectors = regions.sectorsWithin(volume.sizeBytes());
        int[] left = {1};
        Runnable done = () -> {
            if (--left[0] == 0) {
                all.complete(content);
            }
        };
        volume.loop().execute(() -> {
            for (int run = 0; run < regions.runs() && regions.firstSector(run) < sectors; run++) {
                left[0]++;
                read(volume, content, regions.firstSector(run), regions.sectors(run), left, done);
            }
            volume.submit();
            done.run();
        });
        return all;
    }

    private void read(Volume volume, Content content, int first, int count, int[] left, Runnable done) {
        ByteBuffer into = ByteBuffer.allocateDirect(count * Regions.SECTOR_BYTES);
        volume.read(regions.offsetOf(first), into, status -> {
            if (status == IoStatus.OK) {
                System.arraycopy(Regions.stamps(into, first), 0, content.stamps, first, count);
            } else if (count > BLOCK) {
                for (int at = 0; at < count; at += BLOCK) {
                    left[0]++;
                    read(volume, content, first + at, BLOCK, left, done);
                }
                volume.submit();
            } else {
                require(mayFail(status), "a read is answered " + status);
                Arrays.fill(content.unreadable, first, first + count, true);
            }
            done.run();
        });
    }

    /** Makes one write and waits for its answer. */
    IoStatus write(Volume volume, int first, int sectors, int stamp) {
        ByteBuffer source = ByteBuffer.allocateDirect(sectors * Regions.SECTOR_BYTES);
        Regions.put(source, stamp, first, sectors);
        CompletableFuture<IoStatus> answer = new CompletableFuture<>();
        volume.loop().execute(() -> {
            volume.write(regions.offsetOf(first), source.flip(), false, answer::complete);
            volume.submit();
        });
        return world.await(answer);
    }
}
