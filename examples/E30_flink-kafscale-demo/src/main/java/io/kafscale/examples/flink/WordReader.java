package io.kafscale.examples.flink;

import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/** Takes a record apart where it comes in, so that no header, key or value travels further. */
final class WordReader implements KafkaRecordDeserializationSchema<String> {
    private static final long serialVersionUID = 1L;

    @Override
    public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<String> out) {
        Words.of(record.headers(), record.key(), record.value()).forEach(out::collect);
    }

    @Override
    public TypeInformation<String> getProducedType() {
        return Types.STRING;
    }
}
