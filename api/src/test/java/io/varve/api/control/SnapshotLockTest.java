package io.varve.api.control;

import static io.varve.api.control.ControlFixture.refusal;
import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.SnapshotId;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Locks of snapshots go through EC2's states by the clock, and nobody deletes what they hold. */
class SnapshotLockTest {
    @TempDir
    private Path directory;

    private ControlFixture fixture;
    private SnapshotId snapshot;

    @BeforeEach
    void start() {
        fixture = new ControlFixture(directory);
        snapshot = fixture.snapshot(fixture.volume());
    }

    @AfterEach
    void stop() {
        fixture.close();
    }

    @Test
    void aLockInGovernanceModeHoldsUntilItIsTakenOff() {
        lock(SnapshotLock.Mode.GOVERNANCE, 0, 30);
        assertThat(state()).contains("governance");
        assertThat(refusal(delete())).isEqualTo(ErrorCode.OPERATION_NOT_PERMITTED);
        fixture.restart();
        assertThat(refusal(delete())).isEqualTo(ErrorCode.OPERATION_NOT_PERMITTED);
        fixture.control().snapshots().unlock(snapshot, Precondition.NONE).join();
        assertThat(state()).isEmpty();
        delete().join();
    }

    @Test
    void aLockExpiresByTheClock() {
        lock(SnapshotLock.Mode.COMPLIANCE, 0, 1);
        fixture.clock().advance(Duration.ofDays(1).minusMillis(1));
        assertThat(state()).contains("compliance");
        assertThat(refusal(delete())).isEqualTo(ErrorCode.OPERATION_NOT_PERMITTED);
        fixture.clock().advance(Duration.ofMillis(1));
        assertThat(state()).contains("expired");
        delete().join();
    }

    @Test
    void aLockInComplianceModeCanBeTakenOffOnlyWhileItCoolsOff() {
        lock(SnapshotLock.Mode.COMPLIANCE, 71, 30);
        assertThat(state()).contains("compliance-cooloff");
        fixture.control().snapshots().unlock(snapshot, Precondition.NONE).join();

        lock(SnapshotLock.Mode.COMPLIANCE, 71, 30);
        fixture.clock().advance(Duration.ofHours(71));
        assertThat(state()).contains("compliance");
        assertThat(refusal(fixture.control().snapshots().unlock(snapshot, Precondition.NONE)))
                .isEqualTo(ErrorCode.OPERATION_NOT_PERMITTED);
        assertThat(refusal(ask(SnapshotLock.Mode.GOVERNANCE, 0, 100))).isEqualTo(ErrorCode.OPERATION_NOT_PERMITTED);
        assertThat(refusal(ask(SnapshotLock.Mode.COMPLIANCE, 0, 1))).isEqualTo(ErrorCode.OPERATION_NOT_PERMITTED);
        assertThat(refusal(ask(SnapshotLock.Mode.COMPLIANCE, 5, 100))).isEqualTo(ErrorCode.OPERATION_NOT_PERMITTED);
        Instant longer = lock(SnapshotLock.Mode.COMPLIANCE, 0, 100);
        assertThat(longer).isEqualTo(fixture.clock().instant().plus(Duration.ofDays(100)));
        assertThat(state()).contains("compliance");
    }

    @Test
    void aLockInGovernanceModeCanBeMadeShorterOrFirmer() {
        lock(SnapshotLock.Mode.GOVERNANCE, 0, 30);
        lock(SnapshotLock.Mode.GOVERNANCE, 0, 2);
        lock(SnapshotLock.Mode.COMPLIANCE, 0, 2);
        assertThat(state()).contains("compliance");
    }

    @Test
    void whatMakesNoSenseIsRefused() {
        assertThat(refusal(ask(SnapshotLock.Mode.GOVERNANCE, 1, 2))).isEqualTo(ErrorCode.INVALID_PARAMETER_COMBINATION);
        assertThat(refusal(lockUntil(Optional.of(1), Optional.of(fixture.clock().instant()))))
                .isEqualTo(ErrorCode.INVALID_PARAMETER_COMBINATION);
        assertThat(refusal(lockUntil(Optional.empty(), Optional.empty())))
                .isEqualTo(ErrorCode.INVALID_PARAMETER_COMBINATION);
        Instant tooSoon = fixture.clock().instant().plus(Duration.ofHours(23));
        assertThat(refusal(lockUntil(Optional.empty(), Optional.of(tooSoon))))
                .isEqualTo(ErrorCode.INVALID_PARAMETER_VALUE);
        assertThat(refusal(fixture.control().snapshots().unlock(snapshot, Precondition.NONE)))
                .isEqualTo(ErrorCode.INCORRECT_STATE);
    }

    private CompletableFuture<SnapshotView> lockUntil(Optional<Integer> days, Optional<Instant> until) {
        return fixture.control()
                .snapshots()
                .lock(
                        snapshot,
                        new SnapshotLock.Request(SnapshotLock.Mode.GOVERNANCE, 0, days, until),
                        Precondition.NONE);
    }

    private CompletableFuture<SnapshotView> ask(SnapshotLock.Mode mode, int coolOffHours, int days) {
        return fixture.control()
                .snapshots()
                .lock(
                        snapshot,
                        new SnapshotLock.Request(mode, coolOffHours, Optional.of(days), Optional.empty()),
                        Precondition.NONE);
    }

    private Instant lock(SnapshotLock.Mode mode, int coolOffHours, int days) {
        return ask(mode, coolOffHours, days).join().entry().lock().orElseThrow().expiresAt();
    }

    private Optional<String> state() {
        return fixture.control().snapshots().describe(snapshot).lockState();
    }

    private CompletableFuture<Void> delete() {
        return fixture.control().snapshots().delete(snapshot, false, Precondition.NONE, Connections.NONE);
    }
}
