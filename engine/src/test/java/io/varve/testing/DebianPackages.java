package io.varve.testing;

import static java.util.stream.Collectors.joining;

import java.util.Collection;
import java.util.Map;

/** Which Debian package brings which program. A program not named here is in the package of its own name. */
final class DebianPackages {

    private static final Map<String, String> PACKAGE_OF = Map.ofEntries(
            Map.entry("aws", "awscli"),
            Map.entry("busybox", "busybox-static"),
            Map.entry("depmod", "kmod"),
            Map.entry("e2fsck", "e2fsprogs"),
            Map.entry("fstrim", "util-linux"),
            Map.entry("fusermount3", "fuse3"),
            Map.entry("ldd", "libc-bin"),
            Map.entry("losetup", "mount"),
            Map.entry("mkfs.ext4", "e2fsprogs"),
            Map.entry("mkfs.xfs", "xfsprogs"),
            Map.entry("modprobe", "kmod"),
            Map.entry("nbdcopy", "libnbd-bin"),
            Map.entry("nbdfuse", "libnbd-bin"),
            Map.entry("nbdinfo", "libnbd-bin"),
            Map.entry("nbdsh", "python3-libnbd"),
            Map.entry("qemu-img", "qemu-utils"),
            Map.entry("qemu-io", "qemu-utils"),
            Map.entry("qemu-nbd", "qemu-utils"),
            Map.entry("qemu-storage-daemon", "qemu-system-common"),
            Map.entry("qemu-system-x86_64", "qemu-system-x86"),
            Map.entry("unshare", "util-linux"),
            Map.entry("xfs_io", "xfsprogs"),
            Map.entry("xfs_repair", "xfsprogs"),
            Map.entry("xz", "xz-utils"));

    private DebianPackages() {}

    /** The one line that installs these programs. */
    static String installCommand(Collection<String> tools) {
        return tools.stream()
                .map(tool -> PACKAGE_OF.getOrDefault(tool, tool))
                .sorted()
                .distinct()
                .collect(joining(" ", "sudo apt-get install ", ""));
    }
}
