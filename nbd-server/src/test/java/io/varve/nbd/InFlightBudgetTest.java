package io.varve.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.testing.Background;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class InFlightBudgetTest {
    private static final long LIMIT = 100;

    private final InFlightBudget budget = new InFlightBudget(LIMIT);
    private final List<String> met = new ArrayList<>();

    @Test
    void whatIsFreeIsTakenAtOnce() {
        assertThat(budget.tryTake(60, 0)).isTrue();
        assertThat(budget.tryTake(41, 0)).isFalse();
        assertThat(budget.tryTake(20, 30)).as("leaves too little free").isFalse();
        assertThat(budget.tryTake(40, 0)).isTrue();
        assertThat(budget.usedBytes()).isEqualTo(LIMIT);
    }

    @Test
    void aLargeClaimIsNotOvertakenBySmallOnes() {
        budget.take(60);
        claim("large", 90);

        assertThat(budget.tryTake(1, 0)).as("there is room, but somebody waits").isFalse();
        claim("small", 1);
        budget.giveBack(30);
        assertThat(met).isEmpty();
        budget.giveBack(30);

        assertThat(met).containsExactly("large", "small");
        assertThat(budget.usedBytes()).isEqualTo(91);
        assertThat(budget.wanted()).isFalse();
    }

    @Test
    void claimsAreMetInTheOrderOfArrivalAsFarAsThereIsRoom() {
        budget.take(LIMIT);
        claim("first", 40);
        claim("second", 40);
        claim("third", 40);

        budget.giveBack(LIMIT);

        assertThat(met).containsExactly("first", "second");
        assertThat(budget.usedBytes()).isEqualTo(80);
        assertThat(budget.wanted()).isTrue();
    }

    @Test
    void aClaimForMoreThanThereIsGoesAlone() {
        budget.take(1);
        claim("huge", 3 * LIMIT);
        claim("small", 1);
        assertThat(met).isEmpty();

        budget.giveBack(1);
        assertThat(met).containsExactly("huge");
        budget.giveBack(3 * LIMIT);

        assertThat(met).containsExactly("huge", "small");
    }

    @Test
    void whoIsGoneHoldsNobodyUp() {
        budget.take(60);
        InFlightBudget.Claim large = claim("large", 90);
        claim("small", 1);

        assertThat(budget.withdraw(large)).isTrue();

        assertThat(met).containsExactly("small");
        assertThat(budget.withdraw(large)).isFalse();
        assertThat(budget.usedBytes()).isEqualTo(61);
    }

    @Test
    void manyThreadsNeverTakeMoreThanThereIsAndAllAreMet() {
        AtomicLong held = new AtomicLong();
        AtomicLong most = new AtomicLong();
        List<CompletableFuture<?>> takers = new ArrayList<>();
        for (int t = 0; t < 8; t++) {
            SplittableRandom random = new SplittableRandom(t);
            takers.add(Background.run(() -> {
                for (int i = 0; i < 5000; i++) {
                    long bytes = random.nextLong(1, LIMIT + 1);
                    CompletableFuture<Void> granted = new CompletableFuture<>();
                    if (!budget.tryTake(bytes, 0)) {
                        budget.claim(bytes, () -> granted.complete(null));
                        granted.join();
                    }
                    long now = held.addAndGet(bytes);
                    most.accumulateAndGet(now, Math::max);
                    held.addAndGet(-bytes);
                    budget.giveBack(bytes);
                }
            }));
        }
        takers.forEach(CompletableFuture::join);

        assertThat(most.get()).isLessThanOrEqualTo(LIMIT);
        assertThat(budget.usedBytes()).isZero();
        assertThat(budget.wanted()).isFalse();
    }

    private InFlightBudget.Claim claim(String name, long bytes) {
        return budget.claim(bytes, () -> met.add(name));
    }
}
