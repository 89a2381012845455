package io.varve.engine.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.varve.engine.VolumeLoop;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class SimulatedSchedulerTest {
    private final SimulatedScheduler scheduler = new SimulatedScheduler(1);

    @Test
    void queuesKeepTheirOrderAndInterleaveByChance() {
        Set<List<String>> histories = new HashSet<>();
        for (int seed = 0; seed < 50; seed++) {
            List<String> history = history(seed);
            assertThat(history.stream().filter(event -> event.startsWith("a"))).containsExactly("a1", "a2", "a3");
            assertThat(history.stream().filter(event -> event.startsWith("b"))).containsExactly("b1", "b2", "b3");
            assertThat(history).isEqualTo(history(seed));
            histories.add(history);
        }
        assertThat(histories).hasSizeGreaterThan(20);
    }

    private static List<String> history(long seed) {
        SimulatedScheduler scheduler = new SimulatedScheduler(seed);
        List<String> history = new ArrayList<>();
        for (String name : List.of("a", "b")) {
            SimulatedScheduler.Queue queue = scheduler.newQueue(name);
            for (int i = 1; i <= 3; i++) {
                String event = name + i;
                queue.execute(() -> history.add(event));
            }
        }
        scheduler.complete(() -> history.add("disk 1"));
        scheduler.complete(() -> history.add("disk 2"));
        scheduler.runUntilIdle();
        assertThat(history).hasSize(8);
        return history;
    }

    @Test
    void timersFireInTimeAndNotBefore() {
        SimulatedScheduler.Queue loop = scheduler.newQueue("loop");
        List<Long> fired = new ArrayList<>();
        for (long delay : new long[] {5_000_000, 50_000_000, 1_000_000_000_000L}) {
            loop.schedule(() -> fired.add(scheduler.nanoTime()), delay);
        }
        scheduler.runUntilIdle();
        assertThat(fired).isEmpty();
        scheduler.runUntil(() -> fired.size() == 3);
        assertThat(fired.get(0)).isBetween(5_000_000L, 8_000_000L);
        assertThat(fired.get(1)).isBetween(50_000_000L, 53_000_000L);
        assertThat(fired.get(2)).isBetween(1_000_000_000_000L, 1_000_003_000_000L);
    }

    @Test
    void theAccountantWaitsWhileTheLoopsGoOnAndIsNotEnteredAgain() {
        SimulatedThreads threads = new SimulatedThreads(scheduler, 2);
        VolumeLoop loop = threads.nextLoop();
        List<String> events = new ArrayList<>();
        CompletableFuture<String> answer = new CompletableFuture<>();
        threads.accountant().execute(() -> {
            events.add("asks");
            loop.execute(() -> {
                assertThat(loop.inLoop()).isTrue();
                loop.schedule(() -> answer.complete("answered"), 1_000_000);
            });
            events.add(threads.await(answer));
            assertThat(loop.inLoop()).isFalse();
        });
        threads.accountant().execute(() -> events.add("next"));

        scheduler.runUntil(() -> events.size() == 3);

        assertThat(events).containsExactly("asks", "answered", "next");
    }

    @Test
    void awaitFailsWithWhatTheFutureFailedWith() {
        SimulatedThreads threads = new SimulatedThreads(scheduler, 1);
        IllegalStateException cause = new IllegalStateException("cause");
        assertThatThrownBy(() -> threads.await(CompletableFuture.failedFuture(cause)))
                .isSameAs(cause);
    }

    @Test
    void loopsMustNotWait() {
        SimulatedThreads threads = new SimulatedThreads(scheduler, 1);
        threads.nextLoop().execute(() -> threads.await(CompletableFuture.completedFuture("at once")));
        assertThatThrownBy(scheduler::runOne)
                .isInstanceOf(AssertionError.class)
                .hasMessage("a loop waits for a future");
    }

    @Test
    void waitingForWhatNeverComesIsAnError() {
        SimulatedThreads threads = new SimulatedThreads(scheduler, 1);
        threads.accountant().execute(() -> threads.await(new CompletableFuture<>()));
        assertThatThrownBy(scheduler::runOne)
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("nothing left to run");
    }
}
