package io.varve.api.diskimage;

import java.util.Locale;

/** The formats of disk images that can be brought in and written. */
public enum DiskImageFormat {
    RAW,
    QCOW2,
    VMDK;

    /** As qemu-img and the API call it. */
    public String text() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Fails with IllegalArgumentException for any other format. */
    public static DiskImageFormat parse(String text) {
        return valueOf(text.toUpperCase(Locale.ROOT));
    }
}
