package io.kafscale.examples.flink;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.serialization.SerializationSchema;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExternalizedCheckpointRetention;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.sink.KafkaSinkBuilder;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * Counts the words of a topic for as long as it runs, and writes every new count to the console and to another topic.
 *
 * Started as a program it brings a small Flink with it; submitted to a cluster it runs there. After a kill it goes on from
 * its newest checkpoint: no record is counted twice or left out, and at most lines that were written before are written
 * once more. Exit codes: 1 no broker, or the job failed; 2 wrong settings.
 */
public final class WordCountJob {
    private final Settings settings;

    private WordCountJob(Settings settings) {
        this.settings = settings;
    }

    public static void main(String[] arguments) throws Exception {
        try {
            WordCountJob job = new WordCountJob(Settings.of(arguments, System.getenv()));
            StreamExecutionEnvironment environment = job.environment();
            job.build(environment);
            Topics.prepare(job.settings);
            environment.execute("word-count");
        } catch (IllegalArgumentException wrong) {
            System.err.println("Wrong settings: " + wrong.getMessage());
            System.exit(2);
        } catch (Topics.NotReady notReady) {
            System.err.println(notReady.getMessage());
            System.exit(1);
        }
    }

    private StreamExecutionEnvironment environment() throws Exception {
        Configuration configuration = new Configuration();
        configuration.set(CheckpointingOptions.CHECKPOINTING_INTERVAL,
            Duration.ofMillis(settings.count("checkpoint.interval.ms")));
        Path folder = Path.of(settings.text("checkpoint.dir")).toAbsolutePath();
        configuration.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, folder.toUri().toString());
        configuration.set(CheckpointingOptions.EXTERNALIZED_CHECKPOINT_RETENTION,
            ExternalizedCheckpointRetention.RETAIN_ON_CANCELLATION);
        configuration.set(StateBackendOptions.STATE_BACKEND, settings.oneOf("state.backend", "hashmap", "rocksdb"));
        configuration.set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay");
        configuration.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_ATTEMPTS,
            settings.count("restart.attempts"));
        configuration.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_DELAY,
            Duration.ofMillis(settings.count("restart.delay.ms")));
        // Enough for words; a cluster has its own figures.
        configuration.set(TaskManagerOptions.NETWORK_MEMORY_MIN, MemorySize.ofMebiBytes(16));
        configuration.set(TaskManagerOptions.NETWORK_MEMORY_MAX, MemorySize.ofMebiBytes(16));
        configuration.set(TaskManagerOptions.MANAGED_MEMORY_SIZE, MemorySize.ofMebiBytes(64));
        resumeFrom(folder, configuration);
        StreamExecutionEnvironment environment = StreamExecutionEnvironment.getExecutionEnvironment(configuration);
        environment.setParallelism(settings.count("parallelism"));
        return environment;
    }

    private void resumeFrom(Path folder, Configuration configuration) throws Exception {
        String resume = settings.text("resume");
        if (resume.equals("none")) {
            return;
        }
        String path = resume;
        if (resume.equals("latest")) {
            path = Checkpoints.latest(folder).map(found -> found.toUri().toString()).orElse(null);
        }
        if (path == null) {
            System.out.println("No checkpoint in " + folder + ": counting from the " + settings.text("starting.offsets")
                + " offset.");
            return;
        }
        System.out.println("Resuming from " + path);
        configuration.set(StateRecoveryOptions.SAVEPOINT_PATH, path);
    }

    private void build(StreamExecutionEnvironment environment) {
        SingleOutputStreamOperator<String> lines = environment
            .fromSource(source(), WatermarkStrategy.noWatermarks(), "topic").uid("source")
            .keyBy(word -> word)
            .process(new RunningCount()).uid("count")
            .map(counted -> counted.f0 + " => " + counted.f1).returns(String.class).uid("line");
        // One printer, because several would put their number before every line.
        lines.print().setParallelism(1).uid("print");
        lines.sinkTo(sink()).uid("sink");
    }

    private KafkaSource<String> source() {
        String start = settings.oneOf("starting.offsets", "earliest", "latest");
        return KafkaSource.<String>builder()
            .setProperties(settings.client())
            .setTopics(settings.text("topic"))
            .setGroupId(settings.text("group"))
            .setStartingOffsets(start.equals("latest") ? OffsetsInitializer.latest() : OffsetsInitializer.earliest())
            .setProperty("commit.offsets.on.checkpoint", String.valueOf(settings.truth("commit.offsets.on.checkpoint")))
            .setDeserializer(new WordReader())
            .build();
    }

    private KafkaSink<String> sink() {
        KafkaSinkBuilder<String> builder = KafkaSink.<String>builder()
            .setKafkaProducerConfig(settings.client())
            .setDeliveryGuarantee(guarantee(settings.oneOf("sink.delivery", "none", "at-least-once", "exactly-once")))
            .setTransactionalIdPrefix(settings.text("group"))
            .setRecordSerializer(KafkaRecordSerializationSchema.<String>builder()
                .setTopic(settings.text("sink.topic"))
                .setKeySerializationSchema(new WordOfLine())
                .setValueSerializationSchema(new WholeLine())
                .build());
        if (!settings.text("sink.idempotence").isEmpty()) {
            builder.setProperty("enable.idempotence", String.valueOf(settings.truth("sink.idempotence")));
        }
        return builder.build();
    }

    private static DeliveryGuarantee guarantee(String name) {
        return switch (name) {
            case "none" -> DeliveryGuarantee.NONE;
            case "exactly-once" -> DeliveryGuarantee.EXACTLY_ONCE;
            default -> DeliveryGuarantee.AT_LEAST_ONCE;
        };
    }

    /** The counts of one word have one key, so they stay in order. */
    private static final class WordOfLine implements SerializationSchema<String> {
        private static final long serialVersionUID = 1L;

        @Override
        public byte[] serialize(String line) {
            return line.substring(0, line.lastIndexOf(" => ")).getBytes(StandardCharsets.UTF_8);
        }
    }

    private static final class WholeLine implements SerializationSchema<String> {
        private static final long serialVersionUID = 1L;

        @Override
        public byte[] serialize(String line) {
            return line.getBytes(StandardCharsets.UTF_8);
        }
    }
}
