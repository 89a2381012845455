package io.varve.api.aws.ebs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.varve.api.ManualClock;
import io.varve.api.aws.ebs.EbsException.Reason;
import io.varve.engine.SnapshotId;
import java.time.Duration;
import java.util.Base64;
import org.junit.jupiter.api.Test;

/** A token is good for what it was given for, for as long as EBS has it, and nothing else is. */
class EbsTokensTest {
    private static final SnapshotId SNAPSHOT = new SnapshotId(1, 2);
    private static final SnapshotId OTHER = new SnapshotId(1, 3);

    private final ManualClock clock = new ManualClock();
    private final EbsTokens tokens = new EbsTokens(new byte[32], clock);

    @Test
    void aBlockTokenIsForOneBlockOfOneSnapshot() {
        String token = block(7);
        assertThat(token).matches("[A-Za-z0-9+/=]{1,256}");
        tokens.requireBlock(token, SNAPSHOT, 7);
        new EbsTokens(new byte[32], clock).requireBlock(token, SNAPSHOT, 7); // as after a restart
        assertThat(refusal(() -> tokens.requireBlock(token, SNAPSHOT, 8))).isEqualTo(Reason.INVALID_BLOCK_TOKEN);
        assertThat(refusal(() -> tokens.requireBlock(token, OTHER, 7))).isEqualTo(Reason.INVALID_BLOCK_TOKEN);
        byte[] secret = new byte[32];
        secret[0] = 1;
        EbsTokens elsewhere = new EbsTokens(secret, clock);
        assertThat(refusal(() -> elsewhere.requireBlock(token, SNAPSHOT, 7))).isEqualTo(Reason.INVALID_BLOCK_TOKEN);
    }

    @Test
    void aBlockTokenIsGoodForSevenDaysAndAPageTokenForAnHour() {
        String block = block(0);
        String page = tokens.page("list", 5);
        clock.advance(Duration.ofMinutes(59));
        assertThat(tokens.next(page, "list")).isEqualTo(5);
        clock.advance(Duration.ofMinutes(1));
        assertThat(refusal(() -> tokens.next(page, "list"))).isEqualTo(Reason.INVALID_PAGE_TOKEN);
        clock.advance(Duration.ofDays(7).minusHours(1).minusSeconds(1));
        assertThatCode(() -> tokens.requireBlock(block, SNAPSHOT, 0)).doesNotThrowAnyException();
        clock.advance(Duration.ofSeconds(1));
        assertThat(refusal(() -> tokens.requireBlock(block, SNAPSHOT, 0))).isEqualTo(Reason.INVALID_BLOCK_TOKEN);
    }

    @Test
    void aPageTokenIsForOneList() {
        String page = tokens.page("list", 5);
        assertThat(refusal(() -> tokens.next(page, "other"))).isEqualTo(Reason.INVALID_PAGE_TOKEN);
        assertThat(refusal(() -> tokens.next(block(5), "list"))).isEqualTo(Reason.INVALID_PAGE_TOKEN);
        assertThat(refusal(() -> tokens.requireBlock(page, SNAPSHOT, 5))).isEqualTo(Reason.INVALID_BLOCK_TOKEN);
    }

    @Test
    void noBitOfATokenCanBeChanged() {
        byte[] bytes = Base64.getDecoder().decode(tokens.page("list", 5));
        for (int bit = 0; bit < bytes.length * 8; bit++) {
            byte[] changed = bytes.clone();
            changed[bit / 8] ^= (byte) (1 << bit % 8);
            String token = Base64.getEncoder().encodeToString(changed);
            assertThat(refusal(() -> tokens.next(token, "list"))).isEqualTo(Reason.INVALID_PAGE_TOKEN);
        }
    }

    @Test
    void rubbishIsNoToken() {
        for (String rubbish :
                new String[] {"", "=", "A", "AAAA", "!", "\u00e9", "A".repeat(256), "A".repeat(100_000)}) {
            assertThat(refusal(() -> tokens.next(rubbish, "list"))).isEqualTo(Reason.INVALID_PAGE_TOKEN);
            assertThat(refusal(() -> tokens.requireBlock(rubbish, SNAPSHOT, 0))).isEqualTo(Reason.INVALID_BLOCK_TOKEN);
        }
    }

    private String block(int index) {
        return tokens.blocks(SNAPSHOT, tokens.blockExpiry()).token(index);
    }

    private static Reason refusal(Runnable call) {
        return catchThrowableOfType(EbsException.class, call::run).reason().orElseThrow();
    }
}
