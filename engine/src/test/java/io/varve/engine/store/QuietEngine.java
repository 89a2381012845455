package io.varve.engine.store;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.slf4j.LoggerFactory;

/** Keeps the engine from telling thousands of times of failures that were arranged. */
final class QuietEngine implements BeforeAllCallback, AfterAllCallback {
    private static final Logger ENGINE = (Logger) LoggerFactory.getLogger("io.varve.engine");

    @Override
    public void beforeAll(ExtensionContext context) {
        ENGINE.setLevel(Long.getLong("varve.sim.seed") == null ? Level.OFF : Level.INFO);
    }

    @Override
    public void afterAll(ExtensionContext context) {
        ENGINE.setLevel(null);
    }
}
