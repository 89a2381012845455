package io.varve.engine.store;

import static net.bytebuddy.matcher.ElementMatchers.named;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import net.bytebuddy.ByteBuddy;
import net.bytebuddy.description.type.TypeDescription;
import net.bytebuddy.dynamic.ClassFileLocator;
import net.bytebuddy.pool.TypePool;

/** Another copy of the engine and of its simulation, with one mistake in it. */
final class DefectiveEngine extends ClassLoader {
    private static final String OURS = "io.varve.engine.";

    private final PlantedDefect defect;

    /** Makes the mistake at once, so that one that cannot be made is not taken for one that was found. */
    DefectiveEngine(PlantedDefect defect) throws ClassNotFoundException {
        super(DefectiveEngine.class.getClassLoader());
        this.defect = defect;
        loadClass(defect.className, true);
    }

    /** The run of a seed. */
    Runnable simulation(long seed) throws ReflectiveOperationException {
        var constructor = loadClass(Simulation.class.getName()).getDeclaredConstructor(long.class);
        constructor.setAccessible(true);
        return (Runnable) constructor.newInstance(seed);
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        synchronized (getClassLoadingLock(name)) {
            Class<?> loaded = findLoadedClass(name);
            if (loaded == null && name.startsWith(OURS)) {
                byte[] code = name.equals(defect.className) ? changedCode() : code(name);
                loaded = defineClass(name, code, 0, code.length);
            }
            return loaded == null ? super.loadClass(name, resolve) : loaded;
        }
    }

    private byte[] code(String name) throws ClassNotFoundException {
        try (InputStream in = getParent().getResourceAsStream(name.replace('.', '/') + ".class")) {
            if (in == null) {
                throw new ClassNotFoundException(name);
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private byte[] changedCode() {
        ClassFileLocator locator = ClassFileLocator.ForClassLoader.of(getParent());
        TypeDescription type =
                TypePool.Default.of(locator).describe(defect.className).resolve();
        if (type.getDeclaredMethods().filter(named(defect.method)).isEmpty()) {
            throw new IllegalStateException(defect + " needs a method " + defect.method + " of " + defect.className);
        }
        return new ByteBuddy()
                .redefine(type, locator)
                .visit(defect.change())
                .make()
                .getBytes();
    }
}
