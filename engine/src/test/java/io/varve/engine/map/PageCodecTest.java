package io.varve.engine.map;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.varve.engine.log.BlockAddress;
import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import net.openhft.chronicle.core.Jvm;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PageCodecTest {
    private static final int MARGIN = 64;
    private static final byte UNTOUCHED = 0x5A;

    private final SplittableRandom random = new SplittableRandom(11);
    private final PageCodec codec = new PageCodec();
    private final ByteBuffer packed = ByteBuffer.allocateDirect(PageCodec.MAX_PACKED_BYTES);
    private final ByteBuffer original = ByteBuffer.allocateDirect(Frame.BYTES);
    private final ByteBuffer copy = ByteBuffer.allocateDirect(Frame.BYTES + 2 * MARGIN);
    private final long frame = Jvm.address(original);
    private final long result = Jvm.address(copy) + MARGIN;

    private int pack() {
        return codec.pack(frame, 0, 512, 7, packed, 0);
    }

    private void assertRoundTrip(int length) {
        assertThat(codec.unpack(packed, 0, length, 0, 512, result)).isEqualTo(7);
        assertThat(copy.slice(MARGIN, Frame.BYTES)).isEqualTo(original);
    }

    /** Fills the frame from runs of data, zeroes and holes of random lengths up to {@code longest}. */
    private void fillWithRuns(int longest, double data, double zeroes) {
        Frame.fill(frame, Frame.HOLE);
        for (int i = 0; i < Frame.ENTRIES; ) {
            int end = Math.min(Frame.ENTRIES, i + random.nextInt(1, longest + 1));
            double what = random.nextDouble();
            long address = random.nextLong(3, Long.MAX_VALUE - (1 << 20));
            for (int first = i; i < end; i++) {
                if (what < data) {
                    long stride = (long) (i - first) * BlockAddress.BLOCK_SLOTS;
                    Frame.set(frame, i, address + stride, random.nextInt());
                } else if (what < data + zeroes) {
                    Frame.set(frame, i, Frame.ZERO, 0);
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 8, 64, 512})
    void everyFrameComesBackAsItWas(int longestRun) {
        for (int i = 0; i < 3_000; i++) {
            double data = random.nextDouble();
            fillWithRuns(longestRun, data, random.nextDouble() * (1 - data));

            int length = pack();

            assertThat(length).isBetween(PackedPageDescriptor.HEADER_BYTES, PageCodec.MAX_PACKED_BYTES);
            assertRoundTrip(length);
        }
    }

    @Test
    void aLeafOfOneBlockFitsOneUnit() {
        Frame.fill(frame, Frame.HOLE);
        Frame.set(frame, 300, BlockAddress.of(5, 64), 99);

        int length = pack();

        assertThat(length).isEqualTo(48);
        assertRoundTrip(length);
    }

    @Test
    void aSequentialLeafTakesLittleMoreThanItsChecks() {
        for (int i = 0; i < Frame.ENTRIES; i++) {
            Frame.set(frame, i, BlockAddress.of(5, 64) + (long) i * BlockAddress.BLOCK_SLOTS, i * 31);
        }

        int length = pack();

        assertThat(length).isEqualTo(2092);
        assertRoundTrip(length);
    }

    @Test
    void thePackedSizeIsTheShorterOfTheTwoEncodings() {
        for (int i = 0; i < Frame.ENTRIES; i++) {
            Frame.set(frame, i, 1000 + 7L * i, i);
        }
        assertThat(pack()).isEqualTo(PageCodec.MAX_PACKED_BYTES).isEqualTo(6240);

        for (int i = 0; i < Frame.ENTRIES; i++) {
            Frame.set(frame, i, i % 2 == 0 ? Frame.HOLE : 1000 + 7L * i, i % 2 == 0 ? 0 : i);
        }
        assertThat(pack()).isEqualTo(32 + 64 + 256 * 12);

        for (int i = 0; i < Frame.ENTRIES; i++) {
            Frame.set(frame, i, i < 500 ? Frame.ZERO : Frame.HOLE, 0);
        }
        assertThat(pack()).isEqualTo(32 + 12);
    }

    @Test
    void anAddressRunDoesNotReachIntoZeroesOrHoles() {
        Frame.fill(frame, Frame.HOLE);
        Frame.set(frame, 0, Long.MAX_VALUE, 1);
        Frame.set(frame, 1, Frame.ZERO, 0);
        Frame.set(frame, 2, 129, 2);
        Frame.set(frame, 4, 257, 3);

        assertRoundTrip(pack());
    }

    @Test
    void anEntryWithoutAPlaceOnDiskIsNotPacked() {
        Frame.fill(frame, Frame.HOLE);
        Frame.set(frame, 9, Frame.CHILD, 0);

        assertThatThrownBy(this::pack)
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("entry 9 has no place on disk: 2");
    }

    @Test
    void aPageOfAnotherPlaceIsRefused() {
        fillWithRuns(8, 0.5, 0.2);
        int length = pack();

        assertThatThrownBy(() -> codec.unpack(packed, 0, length, 1, 512, result))
                .isInstanceOf(DamagedPageException.class)
                .hasMessage("the map page of level 1 for block 512 is of level 0");
        assertThatThrownBy(() -> codec.unpack(packed, 0, length, 0, 1024, result))
                .isInstanceOf(DamagedPageException.class)
                .hasMessage("the map page of level 0 for block 1024 begins with block 512");
    }

    @Test
    void aPageCutShortIsRefused() {
        fillWithRuns(8, 0.5, 0.2);
        int length = pack();

        for (int shorter = 0; shorter < length; shorter++) {
            int bytes = shorter;
            assertThatThrownBy(() -> codec.unpack(packed, 0, bytes, 0, 512, result))
                    .isInstanceOf(DamagedPageException.class);
        }
    }

    @Test
    void whateverTheBytesAreNothingIsWrittenOutsideTheFrame() {
        ByteBuffer before = copy.slice(0, MARGIN);
        ByteBuffer behind = copy.slice(MARGIN + Frame.BYTES, MARGIN);
        ByteBuffer untouched = ByteBuffer.allocate(MARGIN);
        for (int at = 0; at < MARGIN; at++) {
            before.put(at, UNTOUCHED);
            behind.put(at, UNTOUCHED);
            untouched.put(at, UNTOUCHED);
        }
        int refused = 0;
        for (int i = 0; i < 100_000; i++) {
            if (i % 50 == 0) {
                fillWithRuns(1 << random.nextInt(10), random.nextDouble(), 0.3);
            }
            int length = pack();
            for (int flips = random.nextInt(1, 5); flips > 0; flips--) {
                boolean inHeader = random.nextInt(3) == 0;
                packed.put(
                        random.nextInt(inHeader ? PackedPageDescriptor.HEADER_BYTES : length), (byte) random.nextInt());
            }
            try {
                codec.unpack(packed, 0, length, 0, 512, result);
                assertEntriesAreSound();
            } catch (DamagedPageException e) {
                refused++;
            }
            assertThat(before).isEqualTo(untouched);
            assertThat(behind).isEqualTo(untouched);
        }
        assertThat(refused).isBetween(10_000, 99_999);
    }

    private void assertEntriesAreSound() {
        for (int i = 0; i < Frame.ENTRIES; i++) {
            long entry = Frame.entry(result, i);
            if (entry < 0 || entry == Frame.CHILD || (entry <= Frame.ZERO && Frame.check(result, i) != 0)) {
                throw new AssertionError("entry " + i + " is " + entry);
            }
        }
    }

    @Test
    void theCheckValueIsCrc32cOfTheseBytesAndLeavesTheBufferAlone() {
        ByteBuffer digits = ByteBuffer.allocateDirect(16).position(3).limit(5);
        for (int i = 0; i < 9; i++) {
            digits.duplicate().clear().put(2 + i, (byte) ('1' + i));
        }

        assertThat(codec.check(digits, 2, 9)).isEqualTo(0xE3069283);
        assertThat(digits.position()).isEqualTo(3);
        assertThat(digits.limit()).isEqualTo(5);
    }
}
