// Record batches by Apache Kafka's own classes. Commands on standard input, one a line; each gives one JSON object a line:
//
//     make CODEC COUNT      a random batch of COUNT records
//     read BASE64           that batch, which must be valid
//
// Argument: the seed. A line holds the batch's bytes, its header as Kafka reads it, and its records.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Random;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.CompressionType;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.record.internal.RecordBatch;

public final class BatchReferee {
    private static final long NOW = 1_700_000_000_000L;

    private final Random random;

    private BatchReferee(long seed) {
        this.random = new Random(seed);
    }

    public static void main(String[] args) throws Exception {
        BatchReferee referee = new BatchReferee(Long.parseLong(args[0]));
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        StringBuilder lines = new StringBuilder();
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] command = line.split(" ");
            byte[] batch = command[0].equals("make")
                ? referee.make(command[1], Integer.parseInt(command[2]))
                : Base64.getDecoder().decode(command[1]);
            describe(batch, lines);
            lines.append('\n');
        }
        System.out.print(lines);
        System.out.flush();
    }

    private byte[] make(String codec, int count) {
        boolean idempotent = random.nextBoolean();
        boolean transactional = idempotent && random.nextBoolean();
        MemoryRecordsBuilder builder = MemoryRecords.builder(
            ByteBuffer.allocate(1024),
            RecordBatch.CURRENT_MAGIC_VALUE,
            Compression.of(CompressionType.forName(codec)).build(),
            TimestampType.CREATE_TIME,
            random.nextInt(3) == 0 ? 0 : random.nextLong() >>> 12,
            RecordBatch.NO_TIMESTAMP,
            idempotent ? random.nextLong() >>> 12 : RecordBatch.NO_PRODUCER_ID,
            idempotent ? (short) random.nextInt(32768) : RecordBatch.NO_PRODUCER_EPOCH,
            idempotent ? random.nextInt(Integer.MAX_VALUE) : RecordBatch.NO_SEQUENCE,
            transactional,
            random.nextInt(10) - 1);
        for (int i = 0; i < count; i++) {
            long timestamp = NOW + random.nextInt() * (long) random.nextInt(100);
            builder.append(timestamp, bytes(20), bytes(random.nextInt(20) == 0 ? 200_000 : 300), headers());
        }
        ByteBuffer buffer = builder.build().buffer();
        byte[] batch = new byte[buffer.remaining()];
        buffer.get(batch);
        return batch;
    }

    private Header[] headers() {
        Header[] headers = new Header[random.nextInt(4) == 0 ? random.nextInt(4) : 0];
        for (int i = 0; i < headers.length; i++) headers[i] = new RecordHeader("h\u00e9" + i, bytes(10));
        return headers;
    }

    /** Null, noise, or something that compresses. */
    private byte[] bytes(int limit) {
        if (random.nextInt(6) == 0) return null;
        byte[] bytes = new byte[random.nextInt(limit)];
        if (random.nextInt(3) == 0) random.nextBytes(bytes);
        else for (int i = 0; i < bytes.length; i++) bytes[i] = (byte) ("value-" + i / 7 % 90).charAt(i % 6);
        return bytes;
    }

    private static void describe(byte[] bytes, StringBuilder line) {
        var batches = MemoryRecords.readableRecords(ByteBuffer.wrap(bytes)).batches().iterator();
        RecordBatch batch = batches.next();
        if (batches.hasNext()) throw new IllegalArgumentException("more than one batch");
        batch.ensureValid();
        line.append("{\"bytes\":\"").append(Base64.getEncoder().encodeToString(bytes));
        line.append("\",\"codec\":\"").append(batch.compressionType().name);
        line.append("\",\"header\":[").append(batch.baseOffset()).append(',').append(batch.lastOffset());
        line.append(',').append(batch.countOrNull()).append(',').append(batch.maxTimestamp());
        line.append(',').append(batch.producerId()).append(',').append(batch.producerEpoch());
        line.append(',').append(batch.baseSequence()).append(',').append(batch.partitionLeaderEpoch());
        line.append(',').append(batch.isTransactional()).append(',').append(batch.isControlBatch());
        line.append("],\"records\":[");
        String separator = "";
        for (Record record : batch) {
            line.append(separator).append('[').append(record.offset()).append(',').append(record.timestamp()).append(',');
            hex(record.key(), line);
            line.append(',');
            hex(record.value(), line);
            for (Header header : record.headers()) {
                line.append(",\"").append(header.key()).append("\",");
                hex(header.value() == null ? null : ByteBuffer.wrap(header.value()), line);
            }
            line.append(']');
            separator = ",";
        }
        line.append("]}");
    }

    private static void hex(ByteBuffer buffer, StringBuilder line) {
        if (buffer == null) {
            line.append("null");
            return;
        }
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        line.append('"').append(HexFormat.of().formatHex(bytes)).append('"');
    }
}
