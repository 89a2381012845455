package io.varve.api.cli;

import io.varve.api.portable.PortableHeader;
import io.varve.api.portable.PortableReader;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/** Looks at a portable file without doing anything with it, and counts the bytes of data in it. */
final class FileScan implements PortableReader.Handler {
    private final LongConsumer progress;
    private @Nullable PortableHeader header;

    /** @param progress is told each time so many bytes of data were read */
    FileScan(LongConsumer progress) {
        this.progress = progress;
    }

    /** Null until it was read. */
    @Nullable
    PortableHeader seen() {
        return header;
    }

    @Override
    public void header(PortableHeader read) {
        header = read;
    }

    @Override
    public void data(long offset, byte[] bytes, int length) {
        progress.accept(length);
    }

    @Override
    public void zeroes(long offset, long length) {
        progress.accept(0);
    }

    @Override
    public void end() {
        progress.accept(0);
    }
}
