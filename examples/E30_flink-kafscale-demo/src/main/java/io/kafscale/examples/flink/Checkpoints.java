package io.kafscale.examples.flink;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Comparator;
import java.util.Optional;
import java.util.stream.Stream;

/** Checkpoints in a folder of this machine: DIR/JOB/chk-NUMBER, complete as soon as there is a file _metadata in it. */
final class Checkpoints {
    private static final int DEPTH = 3;

    private Checkpoints() {
    }

    /** The newest complete one of any job that has written to the folder. */
    static Optional<Path> latest(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder, DEPTH)) {
            return files.filter(file -> file.endsWith("_metadata") && isCheckpoint(file.getParent()))
                .max(Comparator.comparing(Checkpoints::written)).map(Path::getParent);
        } catch (NoSuchFileException none) {
            return Optional.empty();
        }
    }

    private static boolean isCheckpoint(Path folder) {
        return folder.getFileName().toString().startsWith("chk-");
    }

    private static FileTime written(Path file) {
        try {
            return Files.getLastModifiedTime(file);
        } catch (IOException gone) {
            return FileTime.fromMillis(0);
        }
    }
}
