# Unit tests mirror the tree: tests/<folder>/test_<module>.c links the library
# of <folder>. Fuzz targets tests/fuzz/fuzz_<name>.c run their corpus as a plain
# test, and under the fuzz preset become libFuzzer programs. System tests and
# lints are Python scripts.

file(GLOB support CONFIGURE_DEPENDS tests/support/*.c)
if(support)
  add_library(tests_support STATIC ${support})
  target_include_directories(tests_support PUBLIC ${CMAKE_SOURCE_DIR})
  target_link_libraries(tests_support PUBLIC core_types services_runtime)
else()
  add_library(tests_support INTERFACE)
endif()

# Seconds until a test is given up; a program with a sanitizer is slower.
set(unit_timeout 120)
set(system_timeout 300)
if(SS_SANITIZE)
  set(unit_timeout 600)
  set(system_timeout 1200)
endif()

set(unit_folders core/base core/types ingest scorer router feedback proto
    services/runtime services/store services/fetch services/local services/api
    services/ingestd services/scorerd services/routerd services/feedbackd
    services/gatewayd services/cli)
foreach(folder ${unit_folders})
  string(REPLACE "/" "_" library ${folder})
  file(GLOB unit_tests CONFIGURE_DEPENDS tests/${folder}/test_*.c)
  foreach(source ${unit_tests})
    get_filename_component(name ${source} NAME_WE)
    add_executable(${name} ${source})
    set_target_properties(${name} PROPERTIES
      RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    target_compile_definitions(${name} PRIVATE
      SS_SOURCE_DIR="${CMAKE_SOURCE_DIR}" SS_BINARY_DIR="${CMAKE_BINARY_DIR}")
    target_link_libraries(${name} PRIVATE ${library} tests_support
      PkgConfig::cmocka)
    add_test(NAME ${folder}/${name} COMMAND ${name})
    set_tests_properties(${folder}/${name} PROPERTIES
      TIMEOUT ${unit_timeout} LABELS unit)
  endforeach()
endforeach()

# fuzz_<name>.c defines LLVMFuzzerTestOneInput. Lines of its first comment say
# what it needs: "links: <libraries>", "stage: <name>" (stage_<name>.c stands in
# for the functions that stage_<name>.wrap lists), "options: <of libFuzzer>"
# (read by ./dev fuzz). Its corpus is tests/fuzz/corpus/<name>/, its dictionary
# tests/fuzz/dict/<name>.dict.
file(GLOB fuzz_targets CONFIGURE_DEPENDS tests/fuzz/fuzz_*.c)
foreach(source ${fuzz_targets})
  get_filename_component(name ${source} NAME_WE)
  string(REPLACE "fuzz_" "" corpus ${name})
  file(STRINGS ${source} links REGEX "links:" LIMIT_COUNT 1)
  string(REGEX REPLACE ".*links: *([a-z_ ]*).*" "\\1" links "${links}")
  separate_arguments(links)
  add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE ${links})
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
  file(STRINGS ${source} stage REGEX "stage: [a-z_]" LIMIT_COUNT 1)
  if(stage)
    string(REGEX REPLACE ".*stage: *([a-z_]*).*" "\\1" stage "${stage}")
    set(stage ${CMAKE_SOURCE_DIR}/tests/fuzz/stage_${stage})
    target_sources(${name} PRIVATE ${stage}.c)
    target_link_options(${name} PRIVATE -Wl,@${stage}.wrap)
  endif()
  if(SS_FUZZ)
    target_sources(${name} PRIVATE tests/fuzz/sanitizer_options.c)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(${name} PRIVATE tests/fuzz/replay.c)
    add_test(NAME fuzz/${name}
             COMMAND ${name} ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${corpus})
    set_tests_properties(fuzz/${name} PROPERTIES TIMEOUT 60 LABELS fuzz)
  endif()
endforeach()

# bench_<name>.c with <name>_*.c beside it is a program of its own that prints
# figures; "links:" as above.
file(GLOB benches CONFIGURE_DEPENDS tests/bench/bench_*.c)
foreach(source ${benches})
  get_filename_component(name ${source} NAME_WE)
  file(STRINGS ${source} links REGEX "links:" LIMIT_COUNT 1)
  string(REGEX REPLACE ".*links: *([a-z_ ]*).*" "\\1" links "${links}")
  separate_arguments(links)
  string(REPLACE "bench_" "" stem ${name})
  file(GLOB parts CONFIGURE_DEPENDS tests/bench/${stem}_*.c)
  add_executable(${name} ${source} ${parts})
  target_compile_definitions(${name} PRIVATE
    SS_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE ${links})
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
endforeach()

# Debian's Python, which sees Debian's python3-zmq and python3-protobuf.
set(SS_PYTHON /usr/bin/python3)
file(GLOB lints CONFIGURE_DEPENDS tests/lint/lint_*.py)
foreach(script ${lints})
  get_filename_component(name ${script} NAME_WE)
  add_test(NAME lint/${name} COMMAND ${SS_PYTHON} ${script}
           WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(lint/${name} PROPERTIES TIMEOUT 60 LABELS lint)
endforeach()

# A line "# label: <word>" in a script's head: "browser" needs one, "plain" says
# nothing about a build with a sanitizer (memory, rates), so it is not run there.
file(GLOB systems CONFIGURE_DEPENDS tests/system/test_*.py)
foreach(script ${systems})
  get_filename_component(name ${script} NAME_WE)
  file(STRINGS ${script} label REGEX "^# label: " LIMIT_COUNT 1)
  string(REPLACE "# label: " "" label "${label}")
  if(SS_SANITIZE AND label STREQUAL "plain")
    continue()
  endif()
  add_test(NAME system/${name} COMMAND ${SS_PYTHON} ${script}
           WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(system/${name} PROPERTIES TIMEOUT ${system_timeout}
    LABELS "system;${label}" SKIP_RETURN_CODE 77
    ENVIRONMENT "SS_BIN=${CMAKE_BINARY_DIR}/bin;SS_PROTO=${CMAKE_SOURCE_DIR}/proto")
endforeach()

# ThreadSanitizer is told what is libzmq's own business.
if(SS_SANITIZE MATCHES "thread")
  get_property(tests DIRECTORY PROPERTY TESTS)
  foreach(name ${tests})
    set_property(TEST ${name} APPEND PROPERTY ENVIRONMENT
      "TSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/tsan.supp")
  endforeach()
endif()
