"""The container as described: little may be written, nothing may be gained."""

from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_has_no_more_rights_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["pids_limit"] > 0
    assert service["mem_limit"]
    assert all("noexec" in mount for mount in service["tmpfs"])
    assert not service.get("privileged")
    assert "user" not in service, "the image's own user is not root"


def test_only_this_machine_reaches_the_published_port_and_a_token_is_asked_for() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)
    assert "?" in SERVICES["board"]["environment"]["GAMMAFLIP_TOKEN"], "compose refuses without"


def test_the_image_runs_as_its_own_user_and_installs_by_hash() -> None:
    last_user = [line.split()[1] for line in DOCKERFILE if line.startswith("USER ")][-1]
    assert last_user not in {"root", "0"}
    assert any("--require-hashes" in line for line in DOCKERFILE)
    assert any(line.startswith("HEALTHCHECK ") for line in DOCKERFILE)
