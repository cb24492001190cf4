import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;

/**
 * Runs the statements of Flink SQL in a file, which an empty line parts, one after another, each to its end, and prints the
 * rows that they give. Usage: SqlRunner FILE
 */
public final class SqlRunner {
    private SqlRunner() {
    }

    public static void main(String[] arguments) throws Exception {
        Configuration small = new Configuration();
        small.set(TaskManagerOptions.NETWORK_MEMORY_MIN, MemorySize.ofMebiBytes(16));
        small.set(TaskManagerOptions.NETWORK_MEMORY_MAX, MemorySize.ofMebiBytes(16));
        small.set(TaskManagerOptions.MANAGED_MEMORY_SIZE, MemorySize.ofMebiBytes(64));
        small.setString("parallelism.default", "1");
        TableEnvironment tables = TableEnvironment.create(
            EnvironmentSettings.newInstance().inStreamingMode().withConfiguration(small).build());
        for (String statement : Files.readString(Path.of(arguments[0])).split("\n\n")) {
            // To close the rows would cancel a job that has ended with its cluster.
            tables.executeSql(statement).collect().forEachRemaining(System.out::println);
        }
    }
}
