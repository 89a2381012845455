package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/**
 * Stores that earlier versions wrote open, and every byte is there. A format that changes gets a new fixture beside the
 * old ones, which stay: {@code mvn test -pl engine -Dtest=FixtureTest -Dvarve.fixture.write=FILE}.
 */
class FixtureTest {
    @Test
    void whatTheFirstFormatWroteIsThere() throws IOException {
        check("/stores/format-1.zip");
    }

    @Test
    void whatTheFormatWithContainersWroteIsThere() throws IOException {
        check("/stores/format-2.zip");
    }

    @Test
    void whatTheFormatWithInlineCompressionWroteIsThere() throws IOException {
        check("/stores/format-3.zip");
    }

    private static void check(String resource) throws IOException {
        try (InputStream in = FixtureTest.class.getResourceAsStream(resource)) {
            assertThat(in).isNotNull();
            StoreFixture.load(in).check();
        }
    }

    @Test
    void whatThisVersionWritesIsThere() throws IOException {
        StoreFixture fixture = StoreFixture.write();
        fixture.check();
        String file = System.getProperty("varve.fixture.write", "");
        if (!file.isEmpty()) {
            try (OutputStream out = Files.newOutputStream(Path.of(file))) {
                fixture.save(out);
            }
        }
    }
}
