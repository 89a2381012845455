package io.varve.system;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** The judge of histories, judged. */
class RegisterTest {
    private final Register register = new Register(0);

    @Test
    void takesWhatHappenedOneAfterTheOther() {
        register.read(0, 1, 2);
        register.write(7, 3, 4);
        register.read(7, 5, 6);
        assertThat(register.contradiction()).isEmpty();
    }

    @Test
    void takesEitherOrderOfWhatHappenedAtTheSameTime() {
        register.write(7, 1, 10);
        register.write(8, 1, 10);
        register.read(0, 2, 3);
        register.read(8, 11, 12);
        register.read(7, 4, 9);
        assertThat(register.contradiction()).isEmpty();
    }

    @Test
    void refusesAStaleRead() {
        register.write(7, 1, 2);
        register.read(0, 3, 4);
        assertThat(register.contradiction()).isPresent();
    }

    @Test
    void refusesAValueFromTheFuture() {
        register.read(7, 1, 2);
        register.write(7, 3, 4);
        assertThat(register.contradiction()).isPresent();
    }

    @Test
    void refusesAValueThatNobodyWrote() {
        register.read(9, 1, 2);
        assertThat(register.contradiction()).isPresent();
    }

    @Test
    void refusesAWriteThatIsLostAndComesBack() {
        register.write(7, 1, 2);
        register.write(8, 3, 4);
        register.read(8, 5, 6);
        register.read(7, 7, 8);
        assertThat(register.contradiction()).isPresent();
    }

    @Test
    void refusesReadersThatDisagreeAboutTheOrder() {
        register.write(7, 1, 20);
        register.write(8, 1, 20);
        register.read(7, 2, 3);
        register.read(8, 4, 5);
        register.read(7, 6, 7);
        assertThat(register.contradiction()).isPresent();
    }
}
