package io.varve.system;

import java.io.IOException;
import java.util.Random;

/**
 * A client that keeps writes of 512 B to 64 KiB at random places in flight, flushes now and then, and enters into a
 * model what it sends and what is acknowledged.
 */
final class RandomWriter {
    private static final int DEPTH = 8;
    private static final int WRITES_PER_FLUSH = 32;
    private static final int MAX_SECTORS = (64 << 10) / SectorModel.SECTOR_BYTES;
    private static final long FLUSH_COOKIE = 0;

    private final NbdClient client;
    private final SectorModel model;
    private final Random random;
    private long lastWrite;

    RandomWriter(NbdClient client, SectorModel model, Random random, long lastWrite) {
        this.client = client;
        this.model = model;
        this.random = random;
        this.lastWrite = lastWrite;
    }

    /** The number of the last write that was sent. */
    long lastWrite() {
        return lastWrite;
    }

    /** Sends one more write, after making room for it. */
    void write() throws IOException {
        while (model.inFlight() >= DEPTH) {
            receive();
        }
        SectorModel.Range range = freeRange();
        lastWrite++;
        // Before it is sent, for a server that dies with half of it received has it in flight all the same.
        model.begin(lastWrite, range);
        client.write(lastWrite, range.offset(), SectorModel.content(lastWrite, range));
        if (lastWrite % WRITES_PER_FLUSH == 0) {
            client.flush(FLUSH_COOKIE);
        }
    }

    private SectorModel.Range freeRange() {
        while (true) {
            int count = 1 + random.nextInt(MAX_SECTORS);
            SectorModel.Range range = new SectorModel.Range(random.nextInt(model.sectors() - count + 1), count);
            if (model.isFree(range)) {
                return range;
            }
        }
    }

    /** Waits for all answers. */
    void drain() throws IOException {
        while (model.inFlight() > 0) {
            receive();
        }
    }

    /** Takes the answers that the server gave before its end, which shows as an IOException. */
    void receiveRest() throws IOException {
        while (true) {
            receive();
        }
    }

    private void receive() throws IOException {
        long cookie = client.receiveCookie();
        if (cookie != FLUSH_COOKIE) {
            model.acknowledge(cookie);
        }
    }
}
