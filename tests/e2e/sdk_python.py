# SPDX-License-Identifier: Apache-2.0
"""The Python SDK, in both eras."""
from lib.case import Case, main
from lib.sdk import LEGACY, MODERN, check_line


class Sdk(Case):
    def test_a_client_over_http_after_initialize(self):
        check_line(self, "python", "http", "legacy", LEGACY)

    def test_a_client_over_http_after_server_discover(self):
        check_line(self, "python", "http", "auto", MODERN)

    def test_a_client_over_http_of_the_modern_era_without_asking_first(self):
        check_line(self, "python", "http", "modern", MODERN)

    def test_a_client_over_stdio_after_initialize(self):
        check_line(self, "python", "stdio", "legacy", LEGACY)

    def test_a_client_over_stdio_after_server_discover(self):
        check_line(self, "python", "stdio", "auto", MODERN)


if __name__ == "__main__":
    main()
