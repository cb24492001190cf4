package io.kafscale.examples.orders;

import java.util.List;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ResponseStatusException;

/** `/api/orders`: send an order, list those that were processed, list the dead letters. */
@RestController
@RequestMapping("/api/orders")
public class OrderController {
    private static final int LONGEST_NAME = 200;

    private final OrderSender sender;
    private final OrderBook book;

    public OrderController(OrderSender sender, OrderBook book) {
        this.sender = sender;
        this.book = book;
    }

    public record Wanted(String product, Integer quantity) {
    }

    @PostMapping
    @ResponseStatus(HttpStatus.CREATED)
    public OrderSender.Sent send(@RequestBody Wanted wanted) {
        String product = wanted.product() == null ? "" : wanted.product().strip();
        if (product.isEmpty() || product.length() > LONGEST_NAME) {
            throw new ResponseStatusException(HttpStatus.BAD_REQUEST, "product must have 1 to 200 characters");
        }
        if (wanted.quantity() == null || wanted.quantity() < 1) {
            throw new ResponseStatusException(HttpStatus.BAD_REQUEST, "quantity must be at least 1");
        }
        try {
            return sender.send(product, wanted.quantity());
        } catch (OrderSender.NotSent failure) {
            throw new ResponseStatusException(HttpStatus.SERVICE_UNAVAILABLE, failure.getMessage(), failure);
        }
    }

    @GetMapping
    public List<OrderBook.Processed> list() {
        return book.orders();
    }

    @GetMapping("/dead-letters")
    public List<OrderBook.DeadLetter> deadLetters() {
        return book.deadLetters();
    }
}
