# What is installed, and the .deb of it (cpack). The component "program" is what a tarball carries as well; "service" is for
# systemd. Debug symbols stay in the build: packages carry the stripped binary.

# Whoever publishes packages puts their own name and address here, and nowhere else: the .deb needs both, and scripts/release writes
# them into the chart, this placeholder's address left out.
set(HOWDAH_MAINTAINER "The Howdah authors <maintainers@howdah.example>")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_VENDOR "The Howdah authors")
set(CPACK_PACKAGE_CONTACT "${HOWDAH_MAINTAINER}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Amazon SQS on PostgreSQL")
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1~deb12)
set(CPACK_OUTPUT_FILE_PREFIX ${CMAKE_BINARY_DIR}/packages)
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME program)

set(made ${CMAKE_BINARY_DIR}/packaging)
string(TIMESTAMP changed "%a, %d %b %Y %H:%M:%S +0000" UTC)  # SOURCE_DATE_EPOCH, where it is set
file(CONFIGURE OUTPUT ${made}/changelog.Debian CONTENT "howdah (@PROJECT_VERSION@-@CPACK_DEBIAN_PACKAGE_RELEASE@) stable; urgency=medium

  * changelog.gz tells what is new.

 -- @CPACK_PACKAGE_CONTACT@  @changed@
" @ONLY)
add_custom_command(OUTPUT ${made}/howdah.1.gz ${made}/howdah.bash ${made}/_howdah ${made}/howdah.fish ${made}/changelog.gz
    ${made}/changelog.Debian.gz
  COMMAND $<TARGET_FILE:howdah> man | gzip -9n > ${made}/howdah.1.gz
  COMMAND $<TARGET_FILE:howdah> completion bash > ${made}/howdah.bash
  COMMAND $<TARGET_FILE:howdah> completion zsh > ${made}/_howdah
  COMMAND $<TARGET_FILE:howdah> completion fish > ${made}/howdah.fish
  COMMAND gzip -9nc ${CMAKE_SOURCE_DIR}/CHANGELOG.md > ${made}/changelog.gz
  COMMAND gzip -9nc ${made}/changelog.Debian > ${made}/changelog.Debian.gz
  DEPENDS howdah ${CMAKE_SOURCE_DIR}/CHANGELOG.md VERBATIM)
add_custom_target(howdah_package_files ALL DEPENDS ${made}/howdah.1.gz)

set(CMAKE_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
install(TARGETS howdah RUNTIME DESTINATION bin)
install(FILES ${made}/howdah.1.gz DESTINATION share/man/man1)
install(FILES ${made}/howdah.bash DESTINATION share/bash-completion/completions RENAME howdah)
install(FILES ${made}/_howdah DESTINATION share/zsh/vendor-completions)
install(FILES ${made}/howdah.fish DESTINATION share/fish/vendor_completions.d)
install(FILES ${made}/changelog.gz ${made}/changelog.Debian.gz DESTINATION share/doc/howdah)
install(FILES packaging/debian/copyright DESTINATION share/doc/howdah)
install(FILES packaging/howdah.service DESTINATION /lib/systemd/system COMPONENT service)
install(FILES packaging/howdah.sysusers DESTINATION /usr/lib/sysusers.d RENAME howdah.conf COMPONENT service)
install(FILES packaging/howdah.yaml DESTINATION /etc/howdah COMPONENT service)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "systemd | systemd-standalone-sysusers | systemd-sysusers")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "postgresql (>= 14), ca-certificates")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "awscli")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
file(WRITE ${made}/conffiles "/etc/howdah/howdah.yaml\n")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${made}/conffiles ${CMAKE_SOURCE_DIR}/packaging/debian/postinst
  ${CMAKE_SOURCE_DIR}/packaging/debian/prerm ${CMAKE_SOURCE_DIR}/packaging/debian/postrm)
set(CPACK_PACKAGE_DESCRIPTION "A message queue server that speaks Amazon SQS and keeps everything in
PostgreSQL. AWS SDKs, tools and applications talk to it by changing one
setting, the endpoint's URL.

It brings a private PostgreSQL up by itself, or uses yours: then any number
of servers share one database and keep no state of their own.")
include(CPack)

# scripts/build release howdah_deb: build/release/packages/howdah_*.deb
add_custom_target(howdah_deb COMMAND ${CMAKE_CPACK_COMMAND} -G DEB WORKING_DIRECTORY ${CMAKE_BINARY_DIR} DEPENDS howdah howdah_package_files
  VERBATIM)
