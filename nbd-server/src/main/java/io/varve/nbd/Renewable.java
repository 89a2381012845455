package io.varve.nbd;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Something that was made from files, and is made anew when one of them was changed. Changed files that make no sense
 * leave it as it was until they are changed again. Reading blocks. Thread-safe.
 */
public final class Renewable<T> {
    private static final Logger LOG = LoggerFactory.getLogger(Renewable.class);

    private final List<Path> files;
    private final Loader<T> loader;
    private List<String> states;
    private T value;

    /** Makes it from the files as they are. */
    @FunctionalInterface
    public interface Loader<T> {
        /**
         * Reads them. Blocks.
         *
         * @throws IllegalArgumentException if they make no sense
         */
        T load() throws IOException;
    }

    /**
     * Makes it for the first time.
     *
     * @throws IllegalArgumentException if a file cannot be read or makes no sense
     */
    public Renewable(List<Path> files, Loader<T> loader) {
        this.files = List.copyOf(files);
        this.loader = loader;
        states = states();
        try {
            value = loader.load();
        } catch (IOException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        }
    }

    /** As the files say now, or said when they last made sense. */
    public synchronized T current() {
        // Taken before the files are read: what changes meanwhile is seen the next time.
        List<String> now = states();
        if (!now.equals(states)) {
            states = now;
            try {
                value = loader.load();
                LOG.info("{} were read again", files);
            } catch (IOException | RuntimeException e) {
                LOG.error("{} were changed and cannot be used; what they were before stays in use", files, e);
            }
        }
        return value;
    }

    private List<String> states() {
        return files.stream().map(Renewable::state).toList();
    }

    private static String state(Path file) {
        try {
            BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
            return attributes.lastModifiedTime() + " " + attributes.size() + " " + attributes.fileKey();
        } catch (IOException e) {
            return "unreadable";
        }
    }
}
