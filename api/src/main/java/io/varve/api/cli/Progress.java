package io.varve.api.cli;

import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** The bars of long work, on standard error. */
final class Progress {
    private Progress() {}

    /** A bar of something of which only the part that is done is known. */
    static ProgressBar percents(String task) {
        return new ProgressBarBuilder()
                .setTaskName(task)
                .setInitialMax(100)
                .setUnit(" %", 1)
                .setStyle(ProgressBarStyle.ASCII)
                .clearDisplayOnFinish()
                .build();
    }

    /** @param bytes how many there will be; -1 if nobody knows */
    static ProgressBar bar(String task, long bytes) {
        return new ProgressBarBuilder()
                .setTaskName(task)
                .setInitialMax(bytes)
                .setUnit(" MiB", 1 << 20)
                .setStyle(ProgressBarStyle.ASCII)
                .showSpeed()
                .clearDisplayOnFinish()
                .build();
    }
}
