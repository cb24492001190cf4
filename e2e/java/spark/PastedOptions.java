import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * Writes two records to a topic and prints what is in it. The test puts options for Kafka in the place of the comments that
 * say so. Usage: PastedOptions TOPIC
 */
public final class PastedOptions {
    private PastedOptions() {
    }

    public static void main(String[] arguments) throws Exception {
        SparkSession.Builder small = SparkSession.builder().master("local[1]").appName("pasted")
            .config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.ui.enabled", "false").config("spark.sql.codegen.wholeStage", "false");
        try (SparkSession spark = small.getOrCreate()) {
            Dataset<String> values = spark.createDataset(List.of("one", "two"), Encoders.STRING());
            values.toDF("value").write().format("kafka")
                // OPTIONS
                .option("topic", arguments[0])
                .save();
            Dataset<Row> read = spark.read().format("kafka")
                // OPTIONS
                .option("subscribe", arguments[0])
                .load();
            read.selectExpr("CAST(value AS STRING)").as(Encoders.STRING()).collectAsList().forEach(System.out::println);
        }
    }
}
