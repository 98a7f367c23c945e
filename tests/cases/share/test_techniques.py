from cases.share.shared_case import answers
from stillhunt.cases.share.techniques import techniques


def test_only_techniques_that_an_observation_supports_are_shared():
    assert [(one.identifier, one.observation) for one in techniques(answers())] == [
        ("AML.T0040", "49,454 calls were answered"),
        ("AML.T0021", "150 accounts share sign-up observations"),
    ]


def test_unasked_a_campaign_is_calls_and_extraction_and_no_more():
    assert [(one.identifier, one.observation) for one in techniques([])] == [("AML.T0040", None), ("AML.T0024.002", None)]
