package io.varve.system;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/**
 * What dm-log-writes wrote down of a device (the kernel's Documentation/admin-guide/device-mapper/log-writes.rst and
 * the structures of drivers/md/dm-log-writes.c): a header in the first sector, then for each request a sector that says
 * where it went, and its data. A write stands in the log once the device has completed it; one that a flush made
 * durable stands before that flush.
 */
final class DeviceLog {
    private static final long MAGIC = 0x6a736677736872L;
    private static final long VERSION = 1;
    private static final int HEADER_BYTES = 28;
    private static final int ENTRY_BYTES = 32;
    private static final long DISCARD = 4;
    private static final long MARK = 8;

    private final FileChannel file;
    private final int sectorBytes;
    private final List<Entry> entries;

    /**
     * A request or a mark.
     *
     * @param offset where on the device, in bytes
     * @param bytes how much
     * @param position where in the log its data stands
     * @param mark what was marked; empty for a request
     */
    record Entry(long offset, long bytes, long position, String mark) {}

    private DeviceLog(FileChannel file, int sectorBytes, List<Entry> entries) {
        this.file = file;
        this.sectorBytes = sectorBytes;
        this.entries = List.copyOf(entries);
    }

    static DeviceLog read(Path path) throws IOException {
        FileChannel file = FileChannel.open(path, StandardOpenOption.READ);
        ByteBuffer header = at(file, 0, HEADER_BYTES);
        if (header.getLong() != MAGIC || header.getLong() != VERSION) {
            throw new IOException(path + " is no log of dm-log-writes");
        }
        long count = header.getLong();
        DeviceLog log = new DeviceLog(file, header.getInt(), List.of());
        List<Entry> entries = new ArrayList<>();
        long position = log.sectorBytes;
        for (long i = 0; i < count; i++) {
            position = log.entry(position, entries);
        }
        return new DeviceLog(file, log.sectorBytes, entries);
    }

    /** Reads the entry at {@code position}; answers where the next one stands. */
    private long entry(long position, List<Entry> into) throws IOException {
        ByteBuffer entry = at(file, position, sectorBytes);
        long offset = entry.getLong() * sectorBytes;
        long bytes = entry.getLong() * sectorBytes;
        long flags = entry.getLong();
        int textBytes = (int) entry.getLong();
        long data = position + sectorBytes;
        if ((flags & MARK) != 0) {
            ByteBuffer text = entry.slice(ENTRY_BYTES, textBytes);
            into.add(new Entry(
                    0,
                    0,
                    data,
                    StandardCharsets.US_ASCII.decode(text).toString().replace("\0", "")));
            return data;
        }
        if ((flags & DISCARD) != 0) {
            // What a discarded sector reads as is the device's choice: this one changes nothing.
            into.add(new Entry(offset, 0, data, ""));
            return data;
        }
        into.add(new Entry(offset, bytes, data, ""));
        return data + bytes;
    }

    private static ByteBuffer at(FileChannel file, long position, int bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        while (buffer.hasRemaining()) {
            if (file.read(buffer, position + buffer.position()) < 0) {
                throw new IOException("the log ends at " + position);
            }
        }
        return buffer.flip();
    }

    List<Entry> entries() {
        return entries;
    }

    /** Does to {@code device} what the entries from {@code from} up to but without {@code to} did to the real one. */
    void replay(int from, int to, FileChannel device) throws IOException {
        for (Entry entry : entries.subList(from, to)) {
            ByteBuffer data = at(file, entry.position, (int) entry.bytes);
            while (data.hasRemaining()) {
                device.write(data, entry.offset + data.position());
            }
        }
    }
}
