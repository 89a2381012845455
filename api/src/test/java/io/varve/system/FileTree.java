package io.varve.system;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32C;

/** Regular files under one root and what is in them, by their paths from the root. */
final class FileTree {
    private static final int CHUNK_BYTES = 1 << 20;

    private final Path root;
    private final Map<String, Content> files = new TreeMap<>();
    private final ByteBuffer chunk = ByteBuffer.allocateDirect(CHUNK_BYTES);
    private long bytes;

    /** What a file holds, as far as two of them are told apart. */
    record Content(long bytes, long crc32c) {}

    private FileTree(Path root) {
        this.root = root;
    }

    /**
     * Copies real files to {@code root}, from the sources in turn, until there are as many files and bytes as asked
     * for, or no more sources.
     */
    static FileTree copy(List<Path> sources, Path root, int files, long bytes) {
        FileTree tree = new FileTree(root);
        for (int i = 0; i < sources.size(); i++) {
            Path from = sources.get(i);
            Path to = root.resolve(String.valueOf(i));
            walk(from, file -> {
                if (tree.count() < files || tree.bytes() < bytes) {
                    tree.write(file, to.resolve(from.relativize(file).toString()));
                }
            });
        }
        return tree;
    }

    /** Reads what is under {@code root}. */
    static FileTree read(Path root) {
        FileTree tree = new FileTree(root);
        walk(root, file -> tree.enter(file, tree.read(file, content -> {})));
        return tree;
    }

    int count() {
        return files.size();
    }

    long bytes() {
        return bytes;
    }

    Map<String, Content> files() {
        return Map.copyOf(files);
    }

    /** Deletes every fourth file and overwrites the second after it, every byte inverted. */
    void changeHalf() {
        List<String> paths = new ArrayList<>(files.keySet());
        try {
            for (int i = 0; i + 2 < paths.size(); i += 4) {
                Files.delete(root.resolve(paths.get(i)));
                bytes -= files.remove(paths.get(i)).bytes();
                invert(root.resolve(paths.get(i + 2)));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void invert(Path file) throws IOException {
        CRC32C check = new CRC32C();
        long position = 0;
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            for (int read = channel.read(chunk.clear(), 0); read > 0; read = channel.read(chunk.clear(), position)) {
                chunk.flip();
                for (int i = 0; i < read; i++) {
                    chunk.put(i, (byte) ~chunk.get(i));
                }
                check.update(chunk.duplicate());
                channel.write(chunk, position);
                position += read;
            }
        }
        files.put(root.relativize(file).toString(), new Content(position, check.getValue()));
    }

    private void write(Path from, Path to) throws IOException {
        Files.createDirectories(to.getParent());
        try (FileChannel channel = FileChannel.open(to, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            enter(to, read(from, channel::write));
        }
    }

    private Content read(Path file, Sink sink) throws IOException {
        CRC32C check = new CRC32C();
        long bytes = 0;
        try (FileChannel channel = FileChannel.open(file)) {
            while (channel.read(chunk.clear()) > 0) {
                bytes += chunk.flip().remaining();
                check.update(chunk.duplicate());
                sink.accept(chunk);
            }
        }
        return new Content(bytes, check.getValue());
    }

    private void enter(Path file, Content content) {
        files.put(root.relativize(file).toString(), content);
        bytes += content.bytes();
    }

    private static void walk(Path from, Visit visit) {
        try {
            Files.walkFileTree(from, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                    if (attributes.isRegularFile()) {
                        visit.file(file);
                    }
                    return FileVisitResult.CONTINUE;
                }
            });
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @FunctionalInterface
    private interface Visit {
        void file(Path file) throws IOException;
    }

    @FunctionalInterface
    private interface Sink {
        void accept(ByteBuffer content) throws IOException;
    }
}
