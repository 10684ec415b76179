"""What an account holds is found at once, however much it is."""

from fake_cloudflare.world import Instance, World


def instance(key, namespace="default", instance_id="docs"):
    return Instance(
        key=key,
        id=instance_id,
        namespace=namespace,
        settings={},
        created_at=0,
        modified_at=0,
        created_by="token",
        modified_by="token",
    )


def test_an_instance_is_found_where_it_is_and_nowhere_else():
    world = World(namespaces={})
    first, second = instance(1), instance(2, instance_id="more")
    world.add(first)
    world.add(second)

    world.move(first, "team")
    assert (world.instance("default", "docs"), world.instance("team", "docs")) == (None, first)

    world.remove(first)
    assert world.instance("team", "docs") is None
    assert list(world.instances.values()) == [second]


def test_a_copy_of_a_world_and_one_from_a_file_find_their_own_instances():
    world = World(namespaces={})
    world.add(instance(1))

    copied, restored = world.model_copy(deep=True), World.model_validate_json(world.model_dump_json())
    world.move(world.instances[1], "team")

    for earlier in (copied, restored):
        found = earlier.instance("default", "docs")
        assert found is earlier.instances[1]
        assert earlier.instance("team", "docs") is None
