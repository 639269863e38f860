# SPDX-License-Identifier: Apache-2.0
"""The TypeScript SDK of the first generation, which knows initialize only."""
from lib.case import Case, main
from lib.sdk import LEGACY, check_line


class Sdk(Case):
    def test_a_client_over_http_after_initialize(self):
        check_line(self, "ts_v1", "http", "legacy", LEGACY)

    def test_a_client_over_stdio_after_initialize(self):
        check_line(self, "ts_v1", "stdio", "legacy", LEGACY)


if __name__ == "__main__":
    main()
