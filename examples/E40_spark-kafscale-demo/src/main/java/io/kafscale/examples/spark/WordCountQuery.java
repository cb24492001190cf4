package io.kafscale.examples.spark;

import static java.util.stream.Collectors.toMap;
import static org.apache.spark.sql.functions.col;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.streaming.StreamingQuery;
import org.apache.spark.sql.streaming.StreamingQueryException;
import org.apache.spark.sql.streaming.StreamingQueryProgress;
import org.apache.spark.sql.streaming.Trigger;
import scala.Tuple2;

/**
 * Counts the words of a topic in micro-batches and keeps the counts in a Delta Lake table, which it reads back and prints
 * after every batch.
 *
 * Spark's checkpoint keeps offsets and counts, the table remembers the last batch that it took: after a kill no record is
 * counted twice or left out. Exit codes: 1 the query failed; 2 wrong settings; 3 records are gone (fail.on.data.loss).
 */
public final class WordCountQuery {
    private static final long LOOK_MS = 500;

    private final Settings settings;
    private final SparkSession spark;
    private long shownBatch = -1;

    private WordCountQuery(Settings settings, SparkSession spark) {
        this.settings = settings;
        this.spark = spark;
    }

    public static void main(String[] arguments) throws Exception {
        System.exit(run(arguments));
    }

    private static int run(String[] arguments) throws Exception {
        Settings settings;
        try {
            settings = Settings.of(arguments, System.getenv());
            settings.oneOf("starting.offsets", "earliest", "latest");
            settings.count("show.lines");
            settings.truth("include.headers");
            settings.truth("fail.on.data.loss");
        } catch (IllegalArgumentException wrong) {
            System.err.println("Wrong settings: " + wrong.getMessage());
            return 2;
        }
        try (SparkSession spark = session()) {
            new WordCountQuery(settings, spark).run();
            return 0;
        } catch (StreamingQueryException failure) {
            Optional<String> loss = DataLoss.in(failure);
            if (loss.isEmpty()) {
                System.err.println("The query failed: " + rootOf(failure));
                return 1;
            }
            System.err.println(loss.get());
            System.err.println("The query has stopped because fail.on.data.loss is true. "
                + "To go on from the earliest offset that is there: --fail.on.data.loss=false");
            return 3;
        }
    }

    private static SparkSession session() {
        SparkConf conf = new SparkConf()
            .setIfMissing("spark.app.name", "word-count")
            .set("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
            .set("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog");
        if (!conf.contains("spark.master")) {
            small(conf);
        }
        return SparkSession.builder().config(conf).getOrCreate();
    }

    /** For one machine and a few words: Spark's own defaults are for many machines. */
    private static void small(SparkConf conf) {
        conf.set("spark.master", "local[2]");
        Map.of(
            "spark.driver.host", "127.0.0.1",
            "spark.driver.bindAddress", "127.0.0.1",
            "spark.ui.enabled", "false",
            "spark.sql.shuffle.partitions", "2",
            "spark.databricks.delta.snapshotPartitions", "2",
            // To compile a query takes longer here than to run it.
            "spark.sql.codegen.wholeStage", "false").forEach(conf::setIfMissing);
    }

    private void run() throws Exception {
        String path = settings.text("delta.path");
        String trigger = settings.text("trigger");
        StreamingQuery query = counts(records()).writeStream()
            .format("delta")
            .outputMode("complete")
            .option("checkpointLocation", settings.text("checkpoint.dir"))
            .trigger(trigger.equals("available-now") ? Trigger.AvailableNow() : Trigger.ProcessingTime(trigger))
            .start(path);
        System.out.println("Reading " + settings.text("topic") + " from " + settings.text("bootstrap.servers")
            + ", counts in " + path);
        while (!query.awaitTermination(LOOK_MS)) {
            show(query.recentProgress(), path);
        }
        show(query.recentProgress(), path);
    }

    private Dataset<Row> records() {
        return spark.readStream().format("kafka")
            .options(clientOptions())
            .option("subscribe", settings.text("topic"))
            .option("startingOffsets", settings.text("starting.offsets"))
            .option("includeHeaders", settings.truth("include.headers"))
            .option("failOnDataLoss", settings.truth("fail.on.data.loss"))
            .load();
    }

    /** Spark knows what is for the Kafka client by its prefix. */
    private Map<String, String> clientOptions() {
        Properties client = settings.client();
        return client.stringPropertyNames().stream().collect(toMap(name -> "kafka." + name, client::getProperty));
    }

    private Dataset<Row> counts(Dataset<Row> records) {
        boolean headers = settings.truth("include.headers");
        FlatMapFunction<Row, Tuple2<String, String>> words =
            record -> Words.of(headers ? headerNames(record) : null, bytes(record, "key"), bytes(record, "value"))
                .iterator();
        return records.flatMap(words, Encoders.tuple(Encoders.STRING(), Encoders.STRING()))
            .toDF("field", "word").groupBy("field", "word").count();
    }

    private static byte[] bytes(Row record, String column) {
        return record.getAs(column);
    }

    private static List<String> headerNames(Row record) {
        int column = record.fieldIndex("headers");
        if (record.isNullAt(column)) {
            return List.of();
        }
        List<Row> headers = record.getList(column);
        return headers.stream().map(header -> header.<String>getAs("key")).toList();
    }

    /** One line for every batch with records since the last call, then what the table says now. */
    private void show(StreamingQueryProgress[] recent, String path) {
        boolean any = false;
        for (StreamingQueryProgress batch : recent) {
            if (batch.batchId() > shownBatch && batch.numInputRows() > 0) {
                shownBatch = batch.batchId();
                any = true;
                System.out.printf("Batch %d: %d records, up to %s%n", batch.batchId(), batch.numInputRows(),
                    batch.sources()[0].endOffset());
            }
        }
        if (any) {
            List<Row> rows = spark.read().format("delta").load(path)
                .orderBy(col("count").desc(), col("field"), col("word")).limit(settings.count("show.lines"))
                .collectAsList();
            rows.forEach(row -> System.out.printf("%s | %s => %d%n", row.getString(0), row.getString(1), row.getLong(2)));
            System.out.printf("Table after batch %d: %d lines%n", shownBatch, rows.size());
        }
    }

    private static String rootOf(Throwable thrown) {
        Throwable root = thrown;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return root.getMessage() == null ? root.getClass().getSimpleName() : root.getMessage();
    }
}
