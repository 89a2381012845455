package io.varve.api.diskimage;

import io.varve.api.diskimage.DiskImageException.Reason;
import io.varve.engine.Volume;
import io.varve.nbd.NettyLoops;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/**
 * The disk images of the import directory. The data goes between a file and the store through the child itself, without
 * a second copy. Blocks; thread-safe. Fails with {@link DiskImageException}.
 */
public final class DiskImages {
    private final ImageDirectory directory;
    private final QemuImg qemuImg;
    private final NettyLoops loops;

    /**
     * The images of a directory.
     *
     * @param directory used by one server at a time
     * @param loops what carries the data
     * @param searchPath where programs are, as in PATH
     * @throws java.io.UncheckedIOException if the directory cannot be used
     */
    public DiskImages(Path directory, NettyLoops loops, String searchPath) {
        this.directory = new ImageDirectory(directory);
        this.loops = loops;
        qemuImg = new QemuImg(searchPath);
    }

    /**
     * A volume or a snapshot.
     *
     * @param opener each handle it gives is released once
     */
    public record Disk(long sizeBytes, Supplier<CompletableFuture<Volume>> opener) {}

    /** The size in bytes of the disk in a file, if that can be brought in. */
    public long inspect(String file, DiskImageFormat format) {
        return qemuImg.inspect(directory.existing(file), format);
    }

    /** Fails with EXISTS or NAME if no such file can be written. */
    public void requireAbsent(String file) {
        directory.absent(file);
    }

    /** Writes what is in a file to a volume that holds nothing yet. */
    public void read(String file, DiskImageFormat format, Disk disk, Conversion conversion) {
        Path image = directory.existing(file);
        qemuImg.inspect(image, format); // what is there now is what is read
        try (PrivateExport export = PrivateExport.of(loops, disk.sizeBytes(), false, disk.opener())) {
            conversion.run(qemuImg.convert(List.of(
                    "-n",
                    "--target-is-zero",
                    "-f",
                    format.text(),
                    "-O",
                    DiskImageFormat.RAW.text(),
                    image.toString(),
                    export.uri())));
        } catch (IOException e) {
            throw failed(e);
        } catch (DiskImageException e) {
            throw withoutPlace(e);
        }
    }

    /**
     * Writes a file that is not there yet; it gets its name when it is whole. It then is to be {@link #settle settled}.
     */
    public void write(String file, DiskImageFormat format, Disk disk, Conversion conversion) {
        Path target = directory.absent(file);
        Path part = directory.part(target);
        try (PrivateExport export = PrivateExport.of(loops, disk.sizeBytes(), true, disk.opener())) {
            Files.createFile(part); // fails if the same name is being written already
            boolean published = false;
            try {
                conversion.run(qemuImg.convert(
                        List.of("-f", DiskImageFormat.RAW.text(), "-O", format.text(), export.uri(), part.toString())));
                directory.publish(part, target);
                published = true;
            } finally {
                if (!published) {
                    Files.delete(part);
                }
            }
        } catch (IOException e) {
            throw failed(e);
        } catch (DiskImageException e) {
            throw withoutPlace(e);
        }
    }

    /**
     * True if the file was written whole and is not settled: what tells it, after a crash, from another of that name.
     */
    public boolean isWritten(String file) {
        try {
            return directory.isPublished(directory.named(file));
        } catch (IOException e) {
            throw failed(e);
        }
    }

    /** Makes a file that was written like any other; what it is has been written down elsewhere. */
    public void settle(String file) {
        try {
            Files.deleteIfExists(directory.part(directory.named(file)));
        } catch (IOException e) {
            throw failed(e);
        }
    }

    /** Removes what an earlier life did not finish. */
    public void deleteUnfinished() {
        try {
            directory.deleteParts();
        } catch (IOException e) {
            throw failed(e);
        }
    }

    private DiskImageException withoutPlace(DiskImageException e) {
        return new DiskImageException(e.reason(), directory.withoutPlace(String.valueOf(e.getMessage())), e);
    }

    private DiskImageException failed(IOException e) {
        return new DiskImageException(Reason.FAILED, directory.withoutPlace(String.valueOf(e.getMessage())), e);
    }
}
