# The numbered SQL files become a table in the program, so that an installed
# `smart-spawn migrate` needs no files beside it. Included from the root
# CMakeLists.txt after the library is made; a changed, new or removed file
# configures again.
file(GLOB migrations CONFIGURE_DEPENDS
     ${CMAKE_SOURCE_DIR}/services/store/migrations/*.sql)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${migrations})
list(SORT migrations)
set(texts "")
set(table "")
foreach(migration ${migrations})
  get_filename_component(stem ${migration} NAME_WE)
  if(NOT stem MATCHES "^0*([1-9][0-9]*)_([a-z0-9_]+)$")
    message(FATAL_ERROR "${migration}: the name must be NNNN_what.sql")
  endif()
  set(number ${CMAKE_MATCH_1})
  file(READ ${migration} bytes HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
  string(REPEAT "0x..," 12 line)
  string(REGEX REPLACE "(${line})" "\\1\n    " bytes "${bytes}")
  string(APPEND texts
         "static const char sql_${number}[] = {\n    ${bytes}0x00};\n")
  string(APPEND table "    {.version = ${number}, .name = \"${stem}\", "
         ".sql = sql_${number}},\n")
endforeach()
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/services/store/migrations.c CONTENT
"/* Made from services/store/migrations by migrations.cmake. */
#include \"services/store/migrate.h\"

@texts@
static const struct migration all[] = {
@table@};

const struct migration *
migrate_list(size_t *ret_count)
{
    *ret_count = sizeof(all) / sizeof(all[0]);
    return all;
}
" @ONLY)
target_sources(services_store PRIVATE
               ${CMAKE_BINARY_DIR}/services/store/migrations.c)
set_source_files_properties(${CMAKE_BINARY_DIR}/services/store/migrations.c
                            PROPERTIES COMPILE_OPTIONS -w)
# ss_library leaves out the file that is named like its folder (a daemon's
# main); here it is an ordinary one.
target_sources(services_store PRIVATE
               ${CMAKE_SOURCE_DIR}/services/store/store.c)
