package io.kafscale.examples.orders;

import com.fasterxml.jackson.annotation.JsonInclude;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ResponseStatusException;

/** What the broker says when it is asked. Nothing here is answered from memory. */
@RestController
@RequestMapping("/api")
public class BrokerController {
    private final Broker broker;

    public BrokerController(Broker broker) {
        this.broker = broker;
    }

    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Health(String status, String broker, String reason) {
    }

    public record Connection(boolean connected, String broker, long milliseconds, String message) {
    }

    /** 503 when the broker does not answer. */
    @GetMapping("/health")
    public ResponseEntity<Health> health() {
        try {
            broker.ping();
            return ResponseEntity.ok(new Health("healthy", broker.bootstrap(), null));
        } catch (Broker.Unreachable failure) {
            return ResponseEntity.status(HttpStatus.SERVICE_UNAVAILABLE)
                .body(new Health("unhealthy", broker.bootstrap(), failure.getMessage()));
        }
    }

    @GetMapping("/cluster-info")
    public Broker.ClusterInfo clusterInfo() {
        try {
            return broker.info();
        } catch (Broker.Unreachable failure) {
            throw new ResponseStatusException(HttpStatus.SERVICE_UNAVAILABLE, failure.getMessage(), failure);
        }
    }

    /** Always 200: the answer is whether it went well. */
    @PostMapping("/test-connection")
    public Connection testConnection() {
        long began = System.nanoTime();
        try {
            int nodes = broker.info().nodes().size();
            return new Connection(true, broker.bootstrap(), since(began), "brokers in the cluster: " + nodes);
        } catch (Broker.Unreachable failure) {
            return new Connection(false, broker.bootstrap(), since(began), failure.getMessage());
        }
    }

    private static long since(long began) {
        return (System.nanoTime() - began) / 1_000_000;
    }
}
