package io.varve.api.control;

import static io.varve.api.control.ControlFixture.refusal;
import static io.varve.api.control.ControlFixture.tagged;
import static org.assertj.core.api.Assertions.assertThat;

import io.varve.api.BlockIo;
import io.varve.engine.SnapshotId;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is deleted stays in the recycle bin as long as a rule says, and comes back as it was. */
class RecycleBinTest {
    private static final byte[] DATA = "still here".getBytes(StandardCharsets.US_ASCII);

    @TempDir
    private Path directory;

    private ControlFixture fixture;

    @BeforeEach
    void start() {
        fixture = new ControlFixture(directory);
    }

    @AfterEach
    void stop() {
        fixture.close();
    }

    @Test
    void aVolumeComesBackWithItsData() {
        rule(RetentionRule.Resource.VOLUME, Map.of(), 7);
        VolumeId volume = fixture.volume(tagged("team", "red"));
        BlockIo.write(fixture.store(), volume, 4096, DATA);
        delete(volume).join();

        assertThat(fixture.control().volumes().find(volume)).isEmpty();
        assertThat(fixture.control().volumes().list()).isEmpty();
        assertThat(binnedVolumes()).containsExactly(volume);
        assertThat(refusal(fixture.control()
                        .snapshots()
                        .create(new SnapshotRequest(volume, Label.NONE, "", Optional.empty()))))
                .isEqualTo(ErrorCode.VOLUME_NOT_FOUND);
        fixture.restart();
        assertThat(binnedVolumes()).containsExactly(volume);

        VolumeView restored = fixture.control().volumes().restore(volume).join();
        assertThat(restored.state()).isEqualTo("available");
        assertThat(restored.entry().label()).isEqualTo(tagged("team", "red"));
        assertThat(BlockIo.read(fixture.store(), volume, 4096, DATA.length)).isEqualTo(DATA);
        assertThat(binnedVolumes()).isEmpty();
        assertThat(refusal(fixture.control().volumes().restore(volume))).isEqualTo(ErrorCode.VOLUME_NOT_FOUND);
    }

    @Test
    void whatStaysLongEnoughGoesForGood() {
        rule(RetentionRule.Resource.SNAPSHOT, Map.of(), 2);
        SnapshotId snapshot = fixture.snapshot(fixture.volume());
        delete(snapshot).join();
        fixture.clock().advance(Duration.ofDays(2).minusMillis(1));
        fixture.control().tick();
        assertThat(fixture.store().snapshot(snapshot)).isPresent();
        fixture.clock().advance(Duration.ofMillis(1));
        fixture.control().tick();
        assertThat(fixture.store().snapshot(snapshot)).isEmpty();
        assertThat(fixture.metadata().snapshots().all()).isEmpty();
    }

    @Test
    void whatSomebodyStillReadsWaitsAndKeepsNothingElseFromGoing() {
        rule(RetentionRule.Resource.SNAPSHOT, Map.of(), 1);
        VolumeId volume = fixture.volume();
        SnapshotId read = fixture.snapshot(volume);
        SnapshotId other = fixture.snapshot(volume);
        delete(read).join();
        delete(other).join();
        Volume reader = fixture.store().openSnapshot(read).join();
        fixture.clock().advance(Duration.ofDays(1));
        fixture.control().tick();
        assertThat(binnedSnapshots()).containsExactly(read);
        reader.release();
        Awaitility.await().until(() -> !fixture.store().inUse(read));
        fixture.control().tick();
        assertThat(binnedSnapshots()).isEmpty();
    }

    @Test
    void theLongestOfTheRulesThatAreAboutAThingCounts() {
        rule(RetentionRule.Resource.SNAPSHOT, Map.of(), 2);
        rule(RetentionRule.Resource.SNAPSHOT, Map.of("team", "red"), 10);
        rule(RetentionRule.Resource.VOLUME, Map.of(), 20);
        VolumeId volume = fixture.volume();
        SnapshotId red = fixture.snapshot(volume, tagged("team", "red"));
        SnapshotId blue = fixture.snapshot(volume, tagged("team", "blue"));
        delete(red).join();
        delete(blue).join();
        fixture.clock().advance(Duration.ofDays(2));
        fixture.control().tick();
        assertThat(binnedSnapshots()).containsExactly(red);
    }

    @Test
    void whatNoRuleIsAboutGoesAtOnce() {
        rule(RetentionRule.Resource.VOLUME, Map.of("keep", "yes"), 2);
        VolumeId volume = fixture.volume(tagged("keep", "no"));
        delete(volume).join();
        assertThat(fixture.store().volume(volume)).isEmpty();
    }

    @Test
    void aVolumeInUseIsNotPutIntoTheBin() {
        rule(RetentionRule.Resource.VOLUME, Map.of(), 2);
        VolumeId volume = fixture.volume();
        Volume open = fixture.store().open(volume).join();
        assertThat(refusal(delete(volume))).isEqualTo(ErrorCode.VOLUME_IN_USE);
        assertThat(refusal(fixture.control().volumes().delete(volume, true, Precondition.NONE, Connections.NONE)))
                .isEqualTo(ErrorCode.VOLUME_IN_USE);
        assertThat(fixture.control().volumes().describe(volume).state()).isEqualTo("in-use");
        BlockIo.release(fixture.store(), volume, open);
        delete(volume).join();
        assertThat(binnedVolumes()).containsExactly(volume);
    }

    @Test
    void theBinCanBeEmptiedUnlessALockedRuleKeepsIt() {
        RetentionRule loose = rule(RetentionRule.Resource.VOLUME, Map.of("k", "loose"), 2);
        RetentionRule firm = rule(RetentionRule.Resource.VOLUME, Map.of("k", "firm"), 2);
        rules().lock(firm.id(), 7, Precondition.NONE).join();
        VolumeId purged = fixture.volume(tagged("k", "loose"));
        VolumeId kept = fixture.volume(tagged("k", "firm"));
        delete(purged).join();
        delete(kept).join();
        rules().delete(loose.id(), Precondition.NONE).join();

        fixture.control().volumes().purge(purged).join();
        assertThat(fixture.store().volume(purged)).isEmpty();
        assertThat(refusal(fixture.control().volumes().purge(kept))).isEqualTo(ErrorCode.OPERATION_NOT_PERMITTED);
        assertThat(binnedVolumes()).containsExactly(kept);
    }

    @Test
    void aLockedRuleIsUnlockedOnlyAfterItsDelay() {
        RetentionRule rule = rule(RetentionRule.Resource.VOLUME, Map.of(), 2);
        rules().lock(rule.id(), 7, Precondition.NONE).join();
        fixture.restart();
        assertThat(lockState(rule)).isEqualTo("locked");
        assertThat(refusal(rules().delete(rule.id(), Precondition.NONE))).isEqualTo(ErrorCode.OPERATION_NOT_PERMITTED);
        assertThat(refusal(rules().change(rule.id(), old -> old, Precondition.NONE)))
                .isEqualTo(ErrorCode.OPERATION_NOT_PERMITTED);

        rules().lock(rule.id(), 0, Precondition.NONE).join();
        assertThat(lockState(rule)).isEqualTo("pending_unlock");
        fixture.clock().advance(Duration.ofDays(7).minusMillis(1));
        assertThat(refusal(rules().delete(rule.id(), Precondition.NONE))).isEqualTo(ErrorCode.OPERATION_NOT_PERMITTED);
        fixture.clock().advance(Duration.ofMillis(1));
        assertThat(lockState(rule)).isEqualTo("unlocked");
        rules().delete(rule.id(), Precondition.NONE).join();
    }

    private RetentionRules rules() {
        return fixture.control().retentionRules();
    }

    private String lockState(RetentionRule rule) {
        return rules().describe(rule.id()).lock().state(fixture.clock().instant());
    }

    private RetentionRule rule(RetentionRule.Resource resource, Map<String, String> tags, int days) {
        return rules().create(new RetentionRules.Request(Label.NONE, "", resource, tags, days, 0, Optional.empty()))
                .join();
    }

    private CompletableFuture<Void> delete(VolumeId id) {
        return fixture.control().volumes().delete(id, false, Precondition.NONE, Connections.NONE);
    }

    private CompletableFuture<Void> delete(SnapshotId id) {
        return fixture.control().snapshots().delete(id, false, Precondition.NONE, Connections.NONE);
    }

    private List<VolumeId> binnedVolumes() {
        return fixture.control()
                .volumes()
                .listRecycled(ListRequest.FIRST)
                .map(volume -> volume.record().id())
                .items();
    }

    private List<SnapshotId> binnedSnapshots() {
        return fixture.control()
                .snapshots()
                .listRecycled(ListRequest.FIRST)
                .map(snapshot -> snapshot.record().id())
                .items();
    }
}
