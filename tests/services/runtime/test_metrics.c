/* Metrics: cells are found again, the text is Prometheus's, bounds hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/runtime/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
cells_of_a_name_stand_together_under_one_head(void **state)
{
    struct metrics *metrics = metrics_new();
    struct buf out;
    (void)state;
    *metrics_counter(metrics, "ss_calls_total", "method=\"A\"", "Calls.") += 2;
    *metrics_gauge(metrics, "ss_open", "", "Open connections.") = -3;
    *metrics_counter(metrics, "ss_calls_total", "method=\"B\"", "Calls.") += 1;
    *metrics_counter(metrics, "ss_calls_total", "method=\"A\"", "Calls.") += 5;
    buf_init(&out, 1 << 16);
    metrics_write(metrics, &out);
    assert_string_equal(buf_text(&out), "# HELP ss_calls_total Calls.\n"
                                        "# TYPE ss_calls_total counter\n"
                                        "ss_calls_total{method=\"A\"} 7\n"
                                        "ss_calls_total{method=\"B\"} 1\n"
                                        "# HELP ss_open Open connections.\n"
                                        "# TYPE ss_open gauge\n"
                                        "ss_open -3\n");
    buf_fini(&out);
    metrics_free(&metrics);
    assert_null(metrics);
}

static void
labels_are_copied(void **state)
{
    struct metrics *metrics = metrics_new();
    struct buf out;
    char labels[] = "a=\"1\"";
    (void)state;
    uint64_t *cell = metrics_counter(metrics, "ss_x_total", labels, "X.");
    memset(labels, 'z', sizeof(labels) - 1);
    assert_ptr_equal(metrics_counter(metrics, "ss_x_total", "a=\"1\"", "X."),
                     cell);
    buf_init(&out, 1 << 16);
    metrics_write(metrics, &out);
    assert_non_null(strstr(buf_text(&out), "ss_x_total{a=\"1\"} 0\n"));
    buf_fini(&out);
    metrics_free(&metrics);
}

static void
past_the_maximum_cells_are_shared_and_counted(void **state)
{
    struct metrics *metrics = metrics_new();
    struct buf out;
    char labels[32];
    (void)state;
    for (int i = 0; i < METRICS_MAX; i++) {
        (void)snprintf(labels, sizeof(labels), "i=\"%d\"", i);
        *metrics_counter(metrics, "ss_x_total", labels, "X.") = 1;
    }
    *metrics_counter(metrics, "ss_x_total", "i=\"more\"", "X.") = 77;
    assert_ptr_equal(metrics_counter(metrics, "ss_y_total", "", "Y."),
                     metrics_counter(metrics, "ss_z_total", "", "Z."));
    buf_init(&out, 1 << 20);
    metrics_write(metrics, &out);
    assert_null(strstr(buf_text(&out), " 77\n"));
    assert_non_null(
        strstr(buf_text(&out), "smart_spawn_metrics_refused_total 3\n"));
    buf_fini(&out);
    metrics_free(&metrics);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_of_a_name_stand_together_under_one_head),
        cmocka_unit_test(labels_are_copied),
        cmocka_unit_test(past_the_maximum_cells_are_shared_and_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
