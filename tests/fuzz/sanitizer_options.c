/* What libFuzzer programs ask of the address sanitizer, unless ASAN_OPTIONS
 * says otherwise. Freed memory is kept back for 8 MB instead of 256: a run
 * frees all it took, so it is the same one that would touch it again, and
 * memory that is used again costs no page faults (twice the speed). */

const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
    return "quarantine_size_mb=8:malloc_context_size=8";
}
