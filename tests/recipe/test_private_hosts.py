import pytest

from stillhouse.recipe.private_hosts import is_private
from tests.support.builders import make_endpoint


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.8.9.1", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.9", "169.254.3.4"),
        *("::1", "[::1]", "fd12:3456::1", "fe80::1", "::ffff:10.0.0.1"),
        *("localhost", "LOCALHOST.", "a.localhost", "gpu", "vllm-0", "box.local", "vllm.ns.svc.cluster.local"),
        *("gpu.internal", "nas.home.arpa"),
    ],
)
def test_is_private_private_host_is_true(host):
    assert is_private(host)


@pytest.mark.parametrize(
    "host",
    [
        *("8.8.8.8", "172.32.0.1", "172.15.0.1", "192.169.0.1", "11.0.0.1", "100.64.0.1", "0.0.0.0", "2606:4700::1"),
        *("::ffff:8.8.8.8", "api.openai.com", "gpu.example.com", "localhost.example.com", "notlocalhost.com"),
        *("mylocal.com", "internal.example.com", ""),
        # C libraries read them as 127.0.0.1 and 8.8.8.8; here they count as hosts of the internet
        *("2130706433", "134744072", "0x08080808", "127.1", "10.1"),
    ],
)
def test_is_private_any_other_host_is_false(host):
    assert not is_private(host)


@pytest.mark.parametrize(
    ("provider", "address", "redacts"),
    [
        ("vllm", "http://127.0.0.1:8000/v1", False),
        ("compatible", "http://192.168.1.9:8000/v1", False),
        ("vllm", "http://gpu:8000/v1", False),
        ("vllm", "http://[::1]:8000/v1", False),
        ("vllm", "https://gpu.example.com/v1", True),
        ("compatible", "http://8.8.8.8:8000/v1", True),
        ("deepseek", "", True),
        # a gateway at a private address forwards to DeepSeek
        ("deepseek", "http://127.0.0.1:8000/v1", True),
    ],
)
def test_redacts_auto_only_outside_the_private_network(provider, address, redacts):
    assert make_endpoint(provider=provider, base_url=address).redacts is redacts


def test_redacts_redact_and_allow_override_the_address():
    assert make_endpoint(provider="vllm", base_url="http://127.0.0.1:8000/v1", personal_data="redact").redacts
    assert not make_endpoint(personal_data="allow").redacts
