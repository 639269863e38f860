# SPDX-License-Identifier: Apache-2.0
"""The TypeScript SDK of the second generation, in both eras."""
from lib.case import Case, main
from lib.sdk import LEGACY, MODERN, check_line


class Sdk(Case):
    def test_a_client_over_http_after_initialize(self):
        check_line(self, "ts_v2", "http", "legacy", LEGACY)

    def test_a_client_over_http_after_server_discover(self):
        check_line(self, "ts_v2", "http", "auto", MODERN)

    def test_a_client_over_http_of_the_modern_era_without_asking_first(self):
        check_line(self, "ts_v2", "http", "modern", MODERN)

    def test_a_client_over_stdio_after_initialize(self):
        check_line(self, "ts_v2", "stdio", "legacy", LEGACY)

    def test_a_client_over_stdio_after_server_discover(self):
        check_line(self, "ts_v2", "stdio", "auto", MODERN)


if __name__ == "__main__":
    main()
