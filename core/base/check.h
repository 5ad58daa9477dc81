/* CHECK: a broken invariant ends the process, in every build.
 *
 * Never on data from outside: bad input is a status. CHECK_OBJ tests that a
 * pointer is the object it claims to be; every heap object of the services
 * starts with `unsigned magic`. */
#ifndef CORE_BASE_CHECK_H
#define CORE_BASE_CHECK_H

#include <stddef.h>

/* Print "file:line: what" on stderr and abort. */
_Noreturn void check_failed(const char *file, int line, const char *what);

#define CHECK(condition)                                                       \
    ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))

#define CHECK_OBJ(pointer, magic_number)                                       \
    CHECK((pointer) != NULL && (pointer)->magic == (magic_number))

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

#endif
