# Turns text files into constants, so that the binary carries them.
# howdah_embed_files(TARGET NAME GLOB): generates NAME.h and NAME.cpp with
#   namespace howdah::embedded { struct File { std::string_view name, text; }; std::span<const File> NAME(); }
# in order of file name, and adds them to TARGET.
function(howdah_embed_files target name pattern)
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${pattern})
  list(SORT files)
  set(out ${CMAKE_BINARY_DIR}/generated/${name})
  add_custom_command(
    OUTPUT ${out}.cpp ${out}.h
    COMMAND ${CMAKE_COMMAND} -DNAME=${name} -DOUT=${out} "-DFILES=${files}" -P ${CMAKE_SOURCE_DIR}/migrations/embed_files_script.cmake
    DEPENDS ${files} ${CMAKE_SOURCE_DIR}/migrations/embed_files_script.cmake
    VERBATIM)
  target_sources(${target} PRIVATE ${out}.cpp ${out}.h)
endfunction()
