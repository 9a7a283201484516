"""What Prometheus reads of a server."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

from stillhouse.serving.answers import Answer

# when each counter began says nothing that the start of the process doesn't
disable_created_metrics()  # type: ignore[no-untyped-call]

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_TENTHS = tuple(place / 10 for place in range(1, 11))
# more answers of a kind than this are counted together: labels are few, free answers are not
_MAX_LABELS = 200


class Metrics:
    """Counters of one server."""

    def __init__(self, model: str, version: str, engine: str, labels: tuple[str, ...]) -> None:
        """Start at zero."""
        self._registry = CollectorRegistry()
        self._labels = frozenset(labels[:_MAX_LABELS])
        about = Gauge(
            "stillhouse_model_info", "The served model", ["model", "version", "engine"], registry=self._registry
        )
        about.labels(model, version, engine).set(1)
        self._requests = Counter(
            "stillhouse_requests", "Requests by route and status", ["route", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "stillhouse_request_seconds",
            "Time to the whole answer",
            ["route"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.in_flight = Gauge("stillhouse_requests_in_flight", "Requests under way", registry=self._registry)
        self._answers = Counter("stillhouse_answers", "Answers by label", ["label"], registry=self._registry)
        self._confidence = Histogram(
            "stillhouse_confidence", "Certainty of answers", buckets=_TENTHS, registry=self._registry
        )
        self._handed_back = Counter("stillhouse_handed_back", "Answers of the teacher", registry=self._registry)
        self.hand_back_failures = Counter(
            "stillhouse_hand_back_failures", "Prompts that the teacher did not answer", registry=self._registry
        )
        self.log_failures = Counter(
            "stillhouse_log_failures", "Answered requests that the log lacks", registry=self._registry
        )
        self._tokens = Counter("stillhouse_tokens", "Tokens read and written", ["kind"], registry=self._registry)

    def observe(self, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def count(self, answer: Answer) -> None:
        """Count one answer."""
        if self._labels:
            label = "(unreadable)" if answer.label is None else answer.label
            self._answers.labels(label if label in self._labels or answer.label is None else "(other)").inc()
        if answer.confidence is not None:
            self._confidence.observe(answer.confidence)
        self._handed_back.inc(answer.is_handed_back)
        self._tokens.labels("prompt").inc(answer.prompt_tokens)
        self._tokens.labels("completion").inc(answer.completion_tokens)

    def text(self) -> bytes:
        """Return all of them as Prometheus reads them."""
        return generate_latest(self._registry)
