package io.varve.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.PooledByteBufAllocator;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

class LeakWatchTest {
    @Test
    void seesABufferThatWasNeverReleased() {
        lose();

        List<String> found = new ArrayList<>();
        Awaitility.await().atMost(Duration.ofSeconds(10)).until(() -> {
            found.addAll(LeakWatch.collect());
            return !found.isEmpty();
        });

        assertThat(found.get(0)).contains("LeakWatchTest.lose");
    }

    private static void lose() {
        PooledByteBufAllocator.DEFAULT.directBuffer(16).writeByte(1);
    }
}
