package io.varve.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.api.rest.Probe;
import io.vertx.core.json.JsonObject;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Lists: what filters let through, and pages while things come and go. */
class ListTest {
    @TempDir
    private Path directory;

    private RunningServer server;
    private Probe api;

    @BeforeEach
    void start() {
        server = RunningServer.on(directory);
        api = server.api();
    }

    @AfterEach
    void stop() {
        server.close();
    }

    @Test
    void filtersOfDifferentNamesMustAllHoldAndValuesOfOneNameAreAlternatives() {
        volume("a", 1, "team", "red");
        volume("b", 2, "team", "blue");
        volume("c", 2, "team", "green");
        volume("d", 3, "owner=me", "x*y");

        assertThat(names("tag:team=red")).containsExactly("a");
        assertThat(names("tag:team=red", "tag:team=blue")).containsExactly("a", "b");
        assertThat(names("tag:team=*", "size=2")).containsExactly("b", "c");
        assertThat(names("tag:team=gre?n", "name=c")).containsExactly("c");
        assertThat(names("tag-key=owner=me")).containsExactly("d");
        assertThat(names("tag:owner\\=me=x\\*y")).containsExactly("d");
        assertThat(names("tag:team=RED")).isEmpty();
        assertThat(names("status=available", "volume-type=local", "encrypted=false", "name=?"))
                .hasSize(4);
        assertThat(names("status=in-use")).isEmpty();
    }

    @Test
    void snapshotsAreFilteredByWhatTheyAreOf() {
        String first = volume("a", 1, "k", "v");
        String second = volume("b", 2, "k", "v");
        server.newSnapshot(first);
        String wanted = server.newSnapshot(second).getString("snapshotId");
        JsonObject page = api.get("/v1/snapshots?" + query("volume-id=" + second, "status=completed", "volume-size=2"))
                .body();
        assertThat(ids(page, "snapshots", "snapshotId")).containsExactly(wanted);
    }

    @Test
    void pagesLeaveNothingOutAndTellNothingTwiceWhileThingsComeAndGo() {
        List<String> before = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            before.add(volume("v" + i, 1, "k", "v"));
        }
        String filter = query("tag:k=v");
        JsonObject first = api.get("/v1/volumes?maxResults=2&" + filter).body();
        List<String> seen = new ArrayList<>(ids(first, "volumes", "volumeId"));

        api.delete("/v1/volumes/" + before.get(1)); // where the page ended
        api.delete("/v1/volumes/" + before.get(3));
        String late = volume("late", 1, "k", "v");
        JsonObject page = first;
        while (page.containsKey("nextToken")) {
            page = api.get("/v1/volumes?maxResults=2&" + filter + "&nextToken=" + page.getString("nextToken"))
                    .body();
            seen.addAll(ids(page, "volumes", "volumeId"));
        }
        assertThat(seen)
                .containsExactly(before.get(0), before.get(1), before.get(2), before.get(4), before.get(5), late);
    }

    @Test
    void aTokenIsGoodForItsOwnListOnly() {
        volume("a", 1, "k", "v");
        String token = api.get("/v1/volumes?maxResults=1").body().getString("nextToken");
        assertThat(api.get("/v1/volumes?maxResults=1&nextToken=" + token).status())
                .isEqualTo(200);
        assertThat(api.get("/v1/snapshots?nextToken=" + token).code()).isEqualTo("InvalidNextToken");
        assertThat(api.get("/v1/volumes?nextToken=" + token + "&" + query("size=1"))
                        .code())
                .isEqualTo("InvalidNextToken");
    }

    @Test
    void tooManyFilterValuesAreRefused() {
        String many = query(Stream.generate(() -> "size=1").limit(201).toArray(String[]::new));
        assertThat(api.get("/v1/volumes?" + many).code()).isEqualTo("InvalidParameterValue");
    }

    private String volume(String name, int sizeGiB, String key, String value) {
        JsonObject wanted = new JsonObject()
                .put("name", name)
                .put("sizeGiB", sizeGiB)
                .put("tags", new JsonObject().put(key, value));
        return api.post("/v1/volumes", wanted).body().getString("volumeId");
    }

    private List<String> names(String... filters) {
        return ids(api.get("/v1/volumes?" + query(filters)).body(), "volumes", "name");
    }

    private static String query(String... filters) {
        return Stream.of(filters)
                .map(filter -> "filter=" + URLEncoder.encode(filter, StandardCharsets.UTF_8))
                .collect(Collectors.joining("&"));
    }

    private static List<String> ids(JsonObject page, String list, String field) {
        return page.getJsonArray(list).stream()
                .map(item -> ((JsonObject) item).getString(field))
                .toList();
    }
}
