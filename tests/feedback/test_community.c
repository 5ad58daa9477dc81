/* feedback/community: many instances' votes as one cell. */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "feedback/community.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SOME_DAY 19999
#define VOTES_MAX 256

struct crowd {
    struct community_vote votes[VOTES_MAX];
    char names[VOTES_MAX][16];
    size_t count;
    utc_day today;
    struct arena *arena;
    struct community_cell cell;
};

static int
crowd_init(void **state)
{
    struct crowd *crowd = calloc(1, sizeof *crowd);
    if (crowd == NULL)
        return -1;
    crowd->today = utc_week_start(SOME_DAY);
    crowd->arena = arena_new(1 << 20);
    *state = crowd;
    return crowd->arena == NULL;
}

static int
crowd_fini(void **state)
{
    struct crowd *crowd = *state;
    arena_free(&crowd->arena);
    free(crowd);
    return 0;
}

/* One vote of `reports` reports of `stars` each, weeks_ago weeks ago. */
static void
vote(struct crowd *crowd, unsigned instance, int weeks_ago, uint32_t stars,
     uint32_t reports)
{
    char *name = crowd->names[crowd->count];
    (void)snprintf(name, sizeof crowd->names[0], "instance-%u", instance);
    crowd->votes[crowd->count++] =
        (struct community_vote){.instance = slice_of(name),
                                .week = crowd->today - 7 * weeks_ago,
                                .sum = stars * reports,
                                .reports = reports};
}

static enum status
fold(struct crowd *crowd)
{
    arena_reset(crowd->arena);
    return community_fold(crowd->votes, crowd->count, crowd->today,
                          crowd->arena, &crowd->cell);
}

static void
assert_mean(const struct crowd *crowd, double stars)
{
    assert_true(fabs(crowd->cell.mean - (stars - 1) / 4) < 1e-12);
}

static void
five_instances_release_a_trimmed_mean(void **state)
{
    struct crowd *crowd = *state;
    static const uint32_t stars[] = {1, 3, 4, 5, 5};
    for (unsigned i = 0; i < 5; i++)
        vote(crowd, i, 0, stars[i], 1);
    assert_int_equal(fold(crowd), STATUS_OK);
    assert_mean(crowd, (3 + 4 + 5) / 3.0); /* 1 and one 5 are trimmed */
    assert_true(crowd->cell.mass == 5);
    assert_int_equal(crowd->cell.contributors, 5);
    assert_int_equal(crowd->cell.ratings, 5);
}

static void
a_hundred_reports_of_one_week_are_one_vote(void **state)
{
    struct crowd *crowd = *state;
    for (unsigned i = 0; i < 5; i++)
        vote(crowd, i, 0, 4, 1);
    vote(crowd, 0, 0, 4, 99); /* the same week again: put together */
    assert_int_equal(fold(crowd), STATUS_OK);
    assert_true(crowd->cell.mass == 5);
    assert_int_equal(crowd->cell.ratings, 104);
    assert_int_equal(crowd->cell.contributors, 5);
    assert_mean(crowd, 4);
}

static void
days_of_one_iso_week_are_the_same_week(void **state)
{
    struct crowd *crowd = *state;
    for (unsigned i = 0; i < 5; i++)
        vote(crowd, i, 1, 4, 1);
    vote(crowd, 0, 1, 2, 1);
    crowd->votes[5].week += 6; /* Sunday */
    assert_int_equal(fold(crowd), STATUS_OK);
    double sixth = crowd->cell.mass;
    crowd->count = 5;
    assert_int_equal(fold(crowd), STATUS_OK);
    assert_true(sixth == crowd->cell.mass);
}

static void
an_instance_has_one_voice_however_often_it_votes(void **state)
{
    struct crowd *crowd = *state;
    for (unsigned i = 0; i < 4; i++)
        vote(crowd, i, 0, 4, 1);
    for (int week = 0; week < 50; week++)
        vote(crowd, 4, week, 1, 100);
    assert_int_equal(fold(crowd), STATUS_OK);
    assert_mean(crowd, 4); /* its 1 is trimmed, with one 4 */
    assert_int_equal(crowd->cell.contributors, 5);
}

static void
older_votes_of_an_instance_count_less_in_its_voice(void **state)
{
    struct crowd *crowd = *state;
    for (unsigned i = 0; i < 5; i++) {
        vote(crowd, i, 0, 5, 1);
        vote(crowd, i, 120, 1, 1); /* 840 days: 7 half-lives */
    }
    double old_weight = 1 / 128.0;
    assert_int_equal(fold(crowd), STATUS_OK);
    assert_mean(crowd, (5 + old_weight) / (1 + old_weight));
    assert_true(fabs(crowd->cell.mass - 5 * (1 + old_weight)) < 1e-9);
}

static void
the_order_of_votes_does_not_matter_to_the_bit(void **state)
{
    struct crowd *crowd = *state;
    struct community_vote given[101];
    for (unsigned i = 0; i < 101; i++)
        vote(crowd, i * 13 % 17, (int)(i * 7 % 40), 1 + i * 3 % 5, 1 + i % 7);
    for (size_t i = 0; i < 101; i++)
        given[i] = crowd->votes[i];
    assert_int_equal(fold(crowd), STATUS_OK);
    struct community_cell first = crowd->cell;
    for (size_t step = 1; step < 101; step++) { /* 101 is prime */
        for (size_t i = 0; i < 101; i++)
            crowd->votes[i] = given[(i * step + step) % 101];
        assert_int_equal(fold(crowd), STATUS_OK);
        assert_true(crowd->cell.mean == first.mean);
        assert_true(crowd->cell.mass == first.mass);
        assert_int_equal(crowd->cell.ratings, first.ratings);
    }
}

/* Nine honest instances say 4, one in ten says 1: nothing moves, since a
 * fifth is trimmed at each end. */
static void
one_hostile_in_ten_moves_nothing_when_the_rest_agree(void **state)
{
    struct crowd *crowd = *state;
    for (unsigned i = 0; i < 100; i++)
        vote(crowd, i, 0, i < 10 ? 1 : 4, 1);
    assert_int_equal(fold(crowd), STATUS_OK);
    assert_mean(crowd, 4);
}

/* The community's share of a score is at most a fifth (scorer/blend.h), so 3
 * points of a score are 15 points of the mean, 0.6 stars. Tried on honest
 * crowds that agree, that differ, and that hate or love. */
static void
one_hostile_in_ten_moves_a_score_by_three_points_at_most(void **state)
{
    static const uint32_t crowds[][6] = {
        {4, 4, 4, 4, 4, 4}, {1, 2, 3, 4, 5, 3}, {1, 5, 1, 5, 1, 5},
        {2, 3, 4, 4, 5, 5}, {5, 5, 5, 5, 5, 1}, {1, 1, 5, 5, 5, 5}};
    struct crowd *crowd = *state;
    for (size_t c = 0; c < sizeof crowds / sizeof crowds[0]; c++) {
        for (uint32_t hostile = 1; hostile <= 5; hostile += 4) {
            crowd->count = 0;
            for (unsigned i = 0; i < 90; i++)
                vote(crowd, i, 0, crowds[c][i % 6], 1);
            assert_int_equal(fold(crowd), STATUS_OK);
            double honest = crowd->cell.mean;
            for (unsigned i = 90; i < 100; i++)
                vote(crowd, i, 0, hostile, 100);
            assert_int_equal(fold(crowd), STATUS_OK);
            assert_true(fabs(crowd->cell.mean - honest) <= 0.15);
        }
    }
}

static void
four_instances_release_nothing_but_are_counted(void **state)
{
    struct crowd *crowd = *state;
    for (unsigned i = 0; i < 4; i++)
        vote(crowd, i, 0, 5, 3);
    crowd->cell.mass = 9;
    assert_int_equal(fold(crowd), STATUS_NOT_FOUND);
    assert_true(crowd->cell.mass == 0 && crowd->cell.mean == 0);
    assert_int_equal(crowd->cell.contributors, 4);
    assert_int_equal(crowd->cell.ratings, 12);
}

static void
no_votes_release_nothing(void **state)
{
    struct crowd *crowd = *state;
    assert_int_equal(fold(crowd), STATUS_NOT_FOUND);
    assert_int_equal(crowd->cell.contributors, 0);
}

static void
votes_that_are_all_ancient_have_a_mean_but_no_mass(void **state)
{
    struct crowd *crowd = *state;
    for (unsigned i = 0; i < 5; i++)
        vote(crowd, i, 1000, 2, 1);
    assert_int_equal(fold(crowd), STATUS_OK);
    assert_true(crowd->cell.mass == 0);
    assert_mean(crowd, 2);
}

static void
votes_that_cannot_be_are_refused(void **state)
{
    struct crowd *crowd = *state;
    static const struct community_vote bad[] = {
        {.sum = 0, .reports = 0},          {.sum = 5, .reports = 0},
        {.sum = 2, .reports = 3},  /* less than a star each */
        {.sum = 16, .reports = 3}, /* more than five each */
        {.sum = UINT32_MAX, .reports = 1},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        crowd->count = 0;
        for (unsigned k = 0; k < 5; k++)
            vote(crowd, k, 0, 3, 1);
        crowd->votes[2].sum = bad[i].sum;
        crowd->votes[2].reports = bad[i].reports;
        crowd->cell.mass = 7;
        assert_int_equal(fold(crowd), STATUS_INVALID_ARGUMENT);
        assert_true(crowd->cell.mass == 7);
    }
}

static void
a_full_arena_is_an_error(void **state)
{
    struct crowd *crowd = *state;
    struct arena *small = arena_new(64);
    for (unsigned i = 0; i < 5; i++)
        vote(crowd, i, 0, 3, 1);
    assert_int_equal(community_fold(crowd->votes, crowd->count, crowd->today,
                                    small, &crowd->cell),
                     STATUS_RESOURCE_EXHAUSTED);
    assert_int_equal(community_fold(crowd->votes, COMMUNITY_VOTES_MAX + 1,
                                    crowd->today, small, &crowd->cell),
                     STATUS_RESOURCE_EXHAUSTED);
    arena_free(&small);
}

#define CROWD_TEST(name)                                                       \
    cmocka_unit_test_setup_teardown(name, crowd_init, crowd_fini)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CROWD_TEST(five_instances_release_a_trimmed_mean),
        CROWD_TEST(a_hundred_reports_of_one_week_are_one_vote),
        CROWD_TEST(days_of_one_iso_week_are_the_same_week),
        CROWD_TEST(an_instance_has_one_voice_however_often_it_votes),
        CROWD_TEST(older_votes_of_an_instance_count_less_in_its_voice),
        CROWD_TEST(the_order_of_votes_does_not_matter_to_the_bit),
        CROWD_TEST(one_hostile_in_ten_moves_nothing_when_the_rest_agree),
        CROWD_TEST(one_hostile_in_ten_moves_a_score_by_three_points_at_most),
        CROWD_TEST(four_instances_release_nothing_but_are_counted),
        CROWD_TEST(no_votes_release_nothing),
        CROWD_TEST(votes_that_are_all_ancient_have_a_mean_but_no_mass),
        CROWD_TEST(votes_that_cannot_be_are_refused),
        CROWD_TEST(a_full_arena_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
