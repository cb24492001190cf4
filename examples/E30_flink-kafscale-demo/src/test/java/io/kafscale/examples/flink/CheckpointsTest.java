package io.kafscale.examples.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointsTest {
    @TempDir
    Path folder;

    private Path complete(String name, long second) throws IOException {
        Path checkpoint = Files.createDirectories(folder.resolve(name));
        Files.setLastModifiedTime(Files.createFile(checkpoint.resolve("_metadata")), FileTime.fromMillis(second * 1000));
        return checkpoint;
    }

    @Test
    void newestCompleteOneOfAllJobs() throws IOException {
        complete("job-a/chk-9", 10);
        Path newest = complete("job-b/chk-2", 20);
        Files.createDirectories(folder.resolve("job-b/chk-3"));
        complete("job-b/shared", 30);
        assertEquals(Optional.of(newest), Checkpoints.latest(folder));
    }

    @Test
    void noneBeforeTheFirst() throws IOException {
        assertEquals(Optional.empty(), Checkpoints.latest(folder));
        assertEquals(Optional.empty(), Checkpoints.latest(folder.resolve("missing")));
    }
}
