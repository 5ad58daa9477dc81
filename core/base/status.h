/* The canonical status codes: what every call that can fail returns.
 *
 * Names and numbers are gRPC's, so that a status means the same in a
 * function's return value, in a reply's header and in a log line. 0 is OK.
 * A function that returns an enum status must be checked (MUST_CHECK) and
 * leaves its ret_ parameters untouched unless it returns STATUS_OK. */
#ifndef CORE_BASE_STATUS_H
#define CORE_BASE_STATUS_H

#define MUST_CHECK __attribute__((warn_unused_result))

/* X(symbol, number, text on the wire and in logs) */
#define STATUS_TABLE(X)                                                        \
    X(OK, 0, "OK")                                                             \
    X(CANCELLED, 1, "CANCELLED")                                               \
    X(UNKNOWN, 2, "UNKNOWN")                                                   \
    X(INVALID_ARGUMENT, 3, "INVALID_ARGUMENT")                                 \
    X(DEADLINE_EXCEEDED, 4, "DEADLINE_EXCEEDED")                               \
    X(NOT_FOUND, 5, "NOT_FOUND")                                               \
    X(ALREADY_EXISTS, 6, "ALREADY_EXISTS")                                     \
    X(PERMISSION_DENIED, 7, "PERMISSION_DENIED")                               \
    X(RESOURCE_EXHAUSTED, 8, "RESOURCE_EXHAUSTED")                             \
    X(FAILED_PRECONDITION, 9, "FAILED_PRECONDITION")                           \
    X(ABORTED, 10, "ABORTED")                                                  \
    X(OUT_OF_RANGE, 11, "OUT_OF_RANGE")                                        \
    X(UNIMPLEMENTED, 12, "UNIMPLEMENTED")                                      \
    X(INTERNAL, 13, "INTERNAL")                                                \
    X(UNAVAILABLE, 14, "UNAVAILABLE")                                          \
    X(DATA_LOSS, 15, "DATA_LOSS")                                              \
    X(UNAUTHENTICATED, 16, "UNAUTHENTICATED")

enum status {
#define X(symbol, number, text) STATUS_##symbol = (number),
    STATUS_TABLE(X)
#undef X
};

/* The text of a code; "UNKNOWN" for a number that is none. Static storage. */
const char *status_text(enum status status);

/* A number from the wire as a code; what is no code becomes UNKNOWN. */
enum status status_from_number(unsigned number);

#endif
