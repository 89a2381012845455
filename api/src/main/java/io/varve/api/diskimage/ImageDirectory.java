package io.varve.api.diskimage;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.regex.Pattern;

/**
 * The one directory that disk images come from and go to. It is named by the operator; callers name files in it, and
 * reach nothing else. A file that is being written has a hidden name until it is whole; then it has both names until
 * the hidden one is taken away.
 */
final class ImageDirectory {
    /** Nothing that is a path, hidden, or looks like an option. */
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._+-]{0,199}");

    private static final String PART_PREFIX = ".varve-export-";

    private final Path directory;

    /** @throws UncheckedIOException if it is no directory */
    ImageDirectory(Path directory) {
        try {
            this.directory = directory.toRealPath();
            if (!Files.isDirectory(this.directory)) {
                throw new NotDirectoryException(directory.toString());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A file that is there. */
    Path existing(String name) {
        Path file = named(name);
        if (Files.isSymbolicLink(file)) {
            throw new DiskImageException(
                    DiskImageException.Reason.NAME, name + " is a symbolic link: only files themselves are read");
        }
        if (Files.notExists(file, LinkOption.NOFOLLOW_LINKS)) {
            throw new DiskImageException(
                    DiskImageException.Reason.NOT_FOUND, "there is no file " + name + " in the import directory");
        }
        if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
            throw new DiskImageException(DiskImageException.Reason.NAME, name + " is no regular file");
        }
        return file;
    }

    /** Where a file can be put that is not there yet. */
    Path absent(String name) {
        Path file = named(name);
        if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
            throw exists(name);
        }
        return file;
    }

    /** Where {@code file} is written until it is whole. */
    Path part(Path file) {
        return directory.resolve(PART_PREFIX + file.getFileName());
    }

    /** True if {@code file} is the whole part of that name. */
    boolean isPublished(Path file) throws IOException {
        Path part = part(file);
        return Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)
                && Files.exists(part, LinkOption.NOFOLLOW_LINKS)
                && Files.isSameFile(part, file);
    }

    /** Takes all parts away. */
    void deleteParts() throws IOException {
        try (DirectoryStream<Path> parts = Files.newDirectoryStream(directory, PART_PREFIX + "*")) {
            for (Path part : parts) {
                Files.delete(part);
            }
        }
    }

    /** Gives a part its name too, durably; what has got that name meanwhile stays as it is. */
    void publish(Path part, Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(part, StandardOpenOption.WRITE)) {
            channel.force(true);
        }
        try {
            Files.createLink(file, part);
        } catch (FileAlreadyExistsException e) {
            throw exists(String.valueOf(file.getFileName()));
        }
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    /** What qemu-img said, without where the directory is. */
    String withoutPlace(String text) {
        return text.replace(directory + "/", "");
    }

    /** The file of that name, there or not. */
    Path named(String name) {
        if (!NAME.matcher(name).matches()) {
            throw new DiskImageException(
                    DiskImageException.Reason.NAME,
                    "file \"%s\" is refused: a name in the import directory has at most 200 of A-Z a-z 0-9 . _ + -"
                                    .formatted(name)
                            + " and begins with a letter, digit or _");
        }
        return directory.resolve(name);
    }

    private static DiskImageException exists(String name) {
        return new DiskImageException(
                DiskImageException.Reason.EXISTS, name + " is there already and is not overwritten");
    }
}
